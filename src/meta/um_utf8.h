/*
 * um_utf8.h -- is it text?
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_UTF8_H
#define UM_UTF8_H

#include "core/um_base.h"

/* Well-formed UTF-8: no overlong forms, no surrogates, up to U+10FFFF. */
bool um_utf8_valid(um_str_t s);

#endif /* UM_UTF8_H */
