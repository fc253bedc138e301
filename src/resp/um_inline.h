/*
 * um_inline.h -- the words of a line, with the quotes of redis-cli.
 *
 * Rules are those of Redis' sdssplitargs(): "double quotes" know \n \r \t \b
 * \a \xHH and \<any>, 'single quotes' know \' only, and a closing quote must
 * be followed by a blank or the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_INLINE_H
#define UM_INLINE_H

#include "resp/um_args.h"

/*
 * Append the words of `line` to `args`; their bytes live in args->text, which
 * is emptied first.  UM_DECLINED: unbalanced quotes.  UM_ERR: out of memory.
 */
UM_MUSTCHECK um_rc_t um_inline_split(um_str_t line, um_args_t *args);

#endif /* UM_INLINE_H */
