/*
 * um_zip_rule.h -- what the compression of values does to a command: which of
 * its words are packed, whether its reply is unpacked, or that it is refused.
 * A pure function.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_ZIP_RULE_H
#define UM_ZIP_RULE_H

#include "resp/um_cmd.h"

/* The error of what is refused. */
#define UM_ZIP_REFUSED "unsupported string command when compression is enabled"

typedef struct {
    uint8_t first; /* 0: no word is packed, else the position of the first */
    uint8_t step;  /* to the next; 0: there is only one                    */
    bool unpack;   /* values in the reply are unpacked                     */
    bool refuse;   /* it would see or change packed bytes                  */
} um_zip_rule_t;

/* Zero when the command has nothing to do with it.  `strict`: set_get_only,
 * which refuses commands that allow_all runs on packed bytes. */
um_zip_rule_t um_zip_rule(
    const um_cmd_t *cmd, const um_str_t *argv, uint32_t argc, bool strict);

/* May such a command have values to be packed?  Then its size matters. */
bool um_zip_may_pack(const um_cmd_t *cmd);

#endif /* UM_ZIP_RULE_H */
