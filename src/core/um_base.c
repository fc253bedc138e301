/* SPDX-License-Identifier: Apache-2.0 */

#include "core/um_base.h"

#include <stdlib.h>

#include "core/um_log.h"

void
um_assert_failed(const char *cond, const char *file, int line)
{
    um_log_alert(0, "assertion failed: %s (%s:%d)", cond, file, line);
    abort();
}
