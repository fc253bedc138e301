/*
 * um_ctl_code.h -- a broker's error codes in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_CODE_H
#define UM_CTL_CODE_H

#include "core/um_base.h"

/* What has happened, and what to do; NULL: a code that is not known here. */
const char *um_ctl_code_words(const char *code);

#endif /* UM_CTL_CODE_H */
