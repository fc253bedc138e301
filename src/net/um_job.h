/*
 * um_job.h -- work too long for a turn, done on a helper thread: decoding
 * large metadata, resolving names.
 *
 * `work` runs on another thread and may touch nothing but `data`; `done` runs
 * afterwards on the loop's thread.  At most `threads` at once, the others
 * wait in order, at most UM_JOBS_MAX of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef UM_JOB_H
#define UM_JOB_H

#include "net/um_loop.h"

#define UM_JOBS_MAX 1024

typedef struct um_jobs_s um_jobs_t;
typedef void (*um_job_pt)(void *data);

/* NULL: out of memory or descriptors; logged. */
um_jobs_t *um_jobs_new(um_loop_t *loop, uint32_t threads);

/*
 * Jobs under way are waited for, for a second; none of the `done` callbacks
 * runs any more: the caller gives `drop` what is left, for each its data.
 * What takes longer is left alone, with all it uses: the process must be about
 * to end.
 */
void um_jobs_free(um_jobs_t *jobs, um_job_pt drop);

/* UM_ERR: no memory or too many wait; neither callback will run. */
UM_MUSTCHECK um_rc_t um_jobs_add(
    um_jobs_t *jobs, um_job_pt work, um_job_pt done, void *data);

#endif /* UM_JOB_H */
