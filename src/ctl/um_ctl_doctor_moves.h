/*
 * um_ctl_doctor_moves.h -- doctor: do slots that are on the move get on?
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_CTL_DOCTOR_MOVES_H
#define UM_CTL_DOCTOR_MOVES_H

#include "ctl/um_ctl_diagnosis.h"

/*
 * Look at them until all have got on, or --stall has passed: f->still has those
 * that have not.  What a proxy of the reference does is not to be seen, so it
 * does not count.  False: interrupted.
 */
UM_MUSTCHECK bool um_ctl_doctor_moves(um_ctl_t *c, um_ctl_facts_t *f);

#endif /* UM_CTL_DOCTOR_MOVES_H */
