/*
 * Threads live as long as their job: jobs are rare, and an idle process
 * should have one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "net/um_job.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/um_log.h"

/* So many seconds um_jobs_free() waits for jobs under way. */
#define FREE_PATIENCE 1

/* What they still touch is not lost, a leak checker should know. */
static um_jobs_t *volatile left_behind;

typedef struct job_s job_t;

struct job_s {
    job_t *next;
    um_jobs_t *jobs;
    um_job_pt work;
    um_job_pt done;
    void *data;
};

typedef struct {
    job_t *head, *tail;
} queue_t;

struct um_jobs_s {
    um_io_t io; /* eventfd: a thread has finished something */
    uint32_t threads;
    uint32_t running;
    uint32_t waiting_count;
    queue_t waiting; /* the loop's thread only */

    pthread_mutex_t lock;
    pthread_cond_t idle; /* for um_jobs_free() */
    queue_t finished;    /* under `lock` */
    uint32_t alive;      /* under `lock`: threads that may touch us */
};

static void
queue_add(queue_t *q, job_t *j)
{
    j->next = NULL;
    if (q->head == NULL) {
        q->head = j;
    } else {
        q->tail->next = j;
    }
    q->tail = j;
}

static job_t *
queue_take(queue_t *q)
{
    job_t *j = q->head;

    if (j != NULL) {
        q->head = j->next;
    }

    return j;
}

static void *
job_main(void *data)
{
    job_t *j = data;
    um_jobs_t *jobs = j->jobs;
    uint64_t one = 1;

    j->work(j->data);

    (void) pthread_mutex_lock(&jobs->lock);
    queue_add(&jobs->finished, j);
    if (write(jobs->io.fd, &one, sizeof(one)) != sizeof(one)) {
        /* Only a full counter can refuse, and that wakes the loop as well. */
    }
    jobs->alive--;
    (void) pthread_cond_signal(&jobs->idle);
    (void) pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static int
job_start(job_t *j)
{
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_t thread;
    int err = pthread_attr_init(&attr);

    if (err != 0) {
        return err;
    }

    (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

    /* Signals are for the loop's thread. */
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);

    (void) pthread_mutex_lock(&j->jobs->lock);
    err = pthread_create(&thread, &attr, job_main, j);
    if (err == 0) {
        j->jobs->alive++;
    }
    (void) pthread_mutex_unlock(&j->jobs->lock);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
    (void) pthread_attr_destroy(&attr);
    return err;
}

/* Start what waits while there are threads to be had. */
static void
jobs_start(um_jobs_t *jobs)
{
    while (jobs->running < jobs->threads && jobs->waiting.head != NULL) {
        job_t *j = queue_take(&jobs->waiting);
        int err;

        jobs->waiting_count--;
        jobs->running++;
        err = job_start(j);
        if (err != 0) {
            /* Without a thread the loop does it itself: late, but done. */
            um_log_warn(err, "helper thread: cannot be made");
            jobs->running--;
            j->work(j->data);
            j->done(j->data);
            free(j);
        }
    }
}

static void
jobs_on_finished(void *data)
{
    um_jobs_t *jobs = data;
    uint64_t count;
    queue_t finished;
    job_t *j;

    if (read(jobs->io.fd, &count, sizeof(count)) != sizeof(count)) {
        return; /* somebody else's wake-up; the next will come */
    }

    (void) pthread_mutex_lock(&jobs->lock);
    finished = jobs->finished;
    jobs->finished.head = NULL;
    (void) pthread_mutex_unlock(&jobs->lock);

    while ((j = queue_take(&finished)) != NULL) {
        jobs->running--;
        j->done(j->data);
        free(j);
    }

    jobs_start(jobs);
}

um_jobs_t *
um_jobs_new(um_loop_t *loop, uint32_t threads)
{
    um_jobs_t *jobs = calloc(1, sizeof(*jobs));
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (jobs == NULL || fd == -1
        || um_io_open(&jobs->io, loop, fd, jobs_on_finished, NULL, jobs)
               != UM_OK)
    {
        goto fail;
    }

    if (um_io_want_read(&jobs->io, true) != UM_OK) {
        um_io_close(&jobs->io);
        fd = -1;
        goto fail;
    }

    /* An arena of a thread's own never gives back what it has grown to, not to
     * malloc_trim() either. */
    (void) mallopt(M_ARENA_MAX, 1);

    jobs->threads = threads;
    (void) pthread_mutex_init(&jobs->lock, NULL);
    (void) pthread_cond_init(&jobs->idle, NULL);
    return jobs;

fail:
    um_log_error(errno, "helper threads: cannot be set up");
    if (fd != -1) {
        (void) close(fd);
    }
    free(jobs);
    return NULL;
}

static void
queue_drop(queue_t *q, um_job_pt drop)
{
    job_t *j;

    while ((j = queue_take(q)) != NULL) {
        drop(j->data);
        free(j);
    }
}

void
um_jobs_free(um_jobs_t *jobs, um_job_pt drop)
{
    struct timespec until;
    bool busy;

    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FREE_PATIENCE;

    (void) pthread_mutex_lock(&jobs->lock);
    while (jobs->alive != 0
           && pthread_cond_timedwait(&jobs->idle, &jobs->lock, &until) == 0)
    {
    }
    busy = jobs->alive != 0;
    (void) pthread_mutex_unlock(&jobs->lock);

    queue_drop(&jobs->waiting, drop);
    if (busy) {
        /* A name server that is silent: what its threads still touch is left
         * to the end of the process, which is near. */
        um_io_abandon(&jobs->io);
        left_behind = jobs;
        return;
    }

    queue_drop(&jobs->finished, drop);
    um_io_close(&jobs->io);
    (void) pthread_mutex_destroy(&jobs->lock);
    (void) pthread_cond_destroy(&jobs->idle);
    free(jobs);
}

um_rc_t
um_jobs_add(um_jobs_t *jobs, um_job_pt work, um_job_pt done, void *data)
{
    job_t *j;

    if (jobs->waiting_count >= UM_JOBS_MAX) {
        return UM_ERR;
    }

    j = malloc(sizeof(*j));
    if (j == NULL) {
        return UM_ERR;
    }

    *j = (job_t){ .jobs = jobs, .work = work, .done = done, .data = data };
    queue_add(&jobs->waiting, j);
    jobs->waiting_count++;
    jobs_start(jobs);
    return UM_OK;
}
