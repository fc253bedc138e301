/*
 * check_lin.c -- the judge of histories is judged (t/tool/lin.h).
 *
 * By histories that somebody can follow, and by simulated ones of which it is
 * known whether a defect has happened.  lin_front must say what lin_search
 * says, of every one; what defects are found how often is told, and must not
 * get less.  UM_TEST_SEED=n begins elsewhere, UM_TEST_SLOW=1 takes 40 times as
 * many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "lin_gen.h"
#include "lin_sim.h"
#include "um_check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MANY         1000000
#define SEARCH_LIMIT 400000

/* --- histories by hand ---------------------------------------------------- */

/*
 * Lines "client from to reply words", K stands for the only key; times are in
 * seconds.  "-" as the end and "?" as the reply: nobody knows.
 */
static const struct {
    const char *what;
    lin_verdict_t is;
    const char *line[8];
} by_hand[] = {
    { "what was written is read", LIN_YES,
        { "1 1 2 +OK SET K x", "2 3 4 $x GET K" } },
    { "a read before any write", LIN_NO,
        { "1 3 4 +OK SET K x", "2 1 2 $x GET K" } },
    { "a read during a write sees it or not", LIN_YES,
        { "1 1 9 +OK SET K x", "2 2 3 _ GET K", "3 4 5 $x GET K" } },
    { "but not first the new and then the old", LIN_NO,
        { "1 1 9 +OK SET K x", "2 2 3 $x GET K", "3 4 5 _ GET K" } },
    { "a stale read", LIN_NO,
        { "1 1 2 +OK SET K x", "1 3 4 +OK SET K y", "2 5 6 $x GET K" } },
    { "one of two at a time is the last", LIN_YES,
        { "1 1 5 +OK SET K x", "2 1 5 +OK SET K y", "3 6 7 $x GET K" } },
    { "and all agree on it", LIN_NO,
        { "1 1 5 +OK SET K x", "2 1 5 +OK SET K y", "3 6 7 $x GET K",
            "4 6 7 $y GET K" } },
    { "what is unknown may have been", LIN_YES,
        { "1 1 - ? SET K x", "2 3 4 $x GET K" } },
    { "or not", LIN_YES, { "1 1 - ? SET K x", "2 3 4 _ GET K" } },
    { "or later", LIN_YES,
        { "1 1 - ? SET K x", "2 3 4 _ GET K", "2 5 6 $x GET K" } },
    { "but not twice", LIN_NO,
        { "1 1 - ? SET K x", "2 3 4 $x GET K", "3 5 6 +OK SET K y",
            "2 7 8 $x GET K" } },
    { "nor before it began", LIN_NO, { "2 1 2 $x GET K", "1 3 - ? SET K x" } },
    { "each of two unknown ones once", LIN_YES,
        { "1 1 - ? INCR K", "2 1 - ? INCR K", "3 3 4 :1 INCR K",
            "3 5 6 :3 INCR K" } },
    { "and no third", LIN_NO,
        { "1 1 - ? INCR K", "2 1 - ? INCR K", "3 3 4 :4 INCR K" } },
    { "a key lives until its time comes", LIN_NO,
        { "1 1 2 +OK SET K x PX 5000", "2 4 5 _ GET K" } },
    { "near its time either", LIN_YES,
        { "1 1 2 +OK SET K x PX 5000", "2 5 7 _ GET K" } },
    { "near its time or", LIN_YES,
        { "1 1 2 +OK SET K x PX 5000", "2 5 7 $x GET K" } },
    { "and not after it was gone", LIN_NO,
        { "1 1 2 +OK SET K x PX 5000", "2 5 6 _ GET K", "2 7 7 $x GET K" } },
    { "nor after its time", LIN_NO,
        { "1 1 2 +OK SET K x PX 5000", "2 8 9 $x GET K" } },
    { "its time of another command", LIN_YES,
        { "1 1 2 +OK SET K x", "1 3 4 :1 PEXPIRE K 60000",
            "2 5 6 :58000 PTTL K" } },
    { "which is not that long", LIN_NO,
        { "1 1 2 +OK SET K x", "1 3 4 :1 PEXPIRE K 60000",
            "2 9 9 :59000 PTTL K" } },
    { "an unknown time may begin at any time", LIN_YES,
        { "1 1 - ? SET K x PX 5000", "2 90 91 $x GET K",
            "2 100 101 _ GET K" } },
    { "one element is for one only", LIN_NO,
        { "1 1 2 :1 RPUSH K x", "2 3 6 $x LPOP K", "3 4 7 $x LPOP K" } },
    { "a list in order", LIN_NO,
        { "1 1 2 :1 RPUSH K x", "1 3 4 :2 RPUSH K y",
            "2 5 6 [$y,$x] LRANGE K 0 -1" } },
    { "an error of Redis is an answer, too", LIN_YES,
        { "1 1 2 +OK SET K x", "2 3 4 "
                               "-ERR~value~is~not~an~integer~or~out~of~range "
                               "INCR K" } },
    { "and a set has no order", LIN_YES,
        { "1 1 2 :2 SADD K y x", "2 3 4 [$y,$x] SMEMBERS K" } },
};

static char file[] = "/tmp/check_lin.XXXXXX";

/* As a log, read as one. */
static void
read_by_hand(int which, lin_log_t *log)
{
    int fd;
    FILE *f;

    memcpy(file + sizeof(file) - 7, "XXXXXX", 6);
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    fprintf(f, "# a comment\n");
    for (unsigned i = 0; i < 8 && by_hand[which].line[i] != NULL; i++) {
        char reply[80], words[80], to[16];
        unsigned client, from;

        ck_assert_int_eq(
            sscanf(by_hand[which].line[i], "%u %u %15s %79s %79[^\n]", &client,
                &from, to, reply, words),
            5);
        fprintf(f, "%u %u000000000 %s%s %s ", client, from, to,
            *to == '-' ? "" : "000000000", reply);
        for (const char *s = words; *s != '\0'; s++) {
            if (*s == 'K' && s[-1] == ' ' && (s[1] == ' ' || s[1] == '\0')) {
                fprintf(f, "{r0.0}a");
            } else {
                fputc(*s, f);
            }
        }
        fputc('\n', f);
    }
    fclose(f);
    ck_assert_ptr_null(lin_log_read(log, file));
    remove(file);
}

START_TEST(what_somebody_can_follow)
{
    lin_why_t why = { 0 };
    lin_log_t log;

    read_by_hand(_i, &log);
    ck_assert_uint_eq(log.n, 1);
    ck_assert_msg(lin_front(log.hist, MANY, &why) == by_hand[_i].is,
        "%s, says lin_front", by_hand[_i].what);
    ck_assert_msg((why.op != NULL) == (by_hand[_i].is == LIN_NO), "why");
    ck_assert_msg(lin_search(log.hist, MANY) == by_hand[_i].is,
        "%s, says lin_search", by_hand[_i].what);
    lin_log_free(&log);
}
END_TEST

/* --- lines that are none -------------------------------------------------- */

static const char *const wrong[] = {
    "1 1 2 +OK\n",
    "1 1 2 +OK SET\n",
    "1 1 2 +OK FLY {r0.0}a x\n",
    "1 1 2 +OK SET key x\n",
    "1 1 2 +OK SET {r0.0}d x\n",
    "1 1 2 +OK MSET {r0.0}a x {r1.0}b y\n",
    "1 2 1 +OK SET {r0.0}a x\n",
    "x 1 2 +OK SET {r0.0}a x\n",
    "1 1 2 +OK SET {r0.0}a x",
};

START_TEST(a_log_that_is_none)
{
    lin_log_t log;
    int fd;

    memcpy(file + sizeof(file) - 7, "XXXXXX", 6);
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        write(fd, wrong[_i], strlen(wrong[_i])), (ssize_t) strlen(wrong[_i]));
    close(fd);
    ck_assert_ptr_nonnull(lin_log_read(&log, file));
    remove(file);
    lin_log_free(&log);
}
END_TEST

/* --- at random ------------------------------------------------------------ */

/*
 * Of 100 histories in which it has happened so many must be found, in all
 * classes that can have it.  A defect that nobody looked at in time is none.
 */
static const struct {
    lin_defect_t defect;
    const char *classes;
    unsigned least;
} rates[] = {
    { SIM_SOUND, LIN_CLASSES, 0 },
    { SIM_LOST, LIN_CLASSES, 60 },
    { SIM_DOUBLE, "nla", 85 },
    { SIM_AGAIN, LIN_CLASSES, 40 },
    { SIM_LATE, LIN_CLASSES, 50 },
    { SIM_RESURRECT, LIN_CLASSES, 65 },
    { SIM_STALE, LIN_CLASSES, 50 },
    { SIM_ELEMENT, "lhs", 70 },
    { SIM_TORN, "lsmx", 50 },
    { SIM_ROLLBACK, LIN_CLASSES, 70 },
    { SIM_EARLY, "x", 80 },
    { SIM_IMMORTAL, "x", 25 },
};

static uint64_t
number(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);

    return v == NULL || *v == '\0' ? otherwise : strtoull(v, NULL, 10);
}

static bool
is_slow(void)
{
    const char *v = getenv("UM_TEST_SLOW");

    return v != NULL && *v != '\0' && strcmp(v, "0") != 0;
}

static lin_verdict_t
judge_both(const lin_hist_t *h, const lin_sim_conf_t *conf)
{
    lin_why_t why = { 0 };
    lin_verdict_t a = lin_front(h, SEARCH_LIMIT, &why);
    lin_verdict_t b = lin_search(h, SEARCH_LIMIT);

    ck_assert_msg(a == b || a == LIN_UNDECIDED || b == LIN_UNDECIDED,
        "class %c, %s, seed %lu: lin_front says %d, lin_search %d", conf->class,
        lin_defects[conf->defect], (unsigned long) conf->seed, (int) a,
        (int) b);
    return a == LIN_UNDECIDED ? b : a;
}

START_TEST(defects_are_found)
{
    unsigned each = is_slow() ? 2000 : 50;
    uint64_t seed =
        number("UM_TEST_SEED", is_slow() ? (uint64_t) time(NULL) : 1);
    lin_defect_t defect = rates[_i].defect;
    unsigned found = 0, happened = 0, undecided = 0, all = 0;

    for (const char *c = rates[_i].classes; *c != '\0'; c++) {
        unsigned here = 0, were = 0;

        for (unsigned i = 0; i < each; i++, all++) {
            lin_sim_conf_t conf = {
                .seed = (seed * 100 + (uint64_t) _i) * 100000 + all,
                .class = *c,
                .clients = 2 + i % 7,
                .ops = 20 + i * 7 % 100,
                .unknown = i % 4 * 3,
                .defect = defect
            };
            lin_verdict_t v;
            lin_sim_t sim;

            lin_sim(&sim, &conf);
            v = judge_both(&sim.hist, &conf);
            ck_assert_msg(v != LIN_NO || sim.defect,
                "class %c, seed %lu: no defect", *c, (unsigned long) conf.seed);
            undecided += v == LIN_UNDECIDED;
            were += sim.defect;
            here += v == LIN_NO;
            lin_sim_free(&sim);
        }
        if (defect != SIM_SOUND) {
            printf(
                "# %-10s %c %4u of %4u\n", lin_defects[defect], *c, here, were);
        }
        found += here;
        happened += were;
    }

    printf("# seed %lu: %s: %u histories, it happened in %u, found in %u, "
           "%u undecided\n",
        (unsigned long) seed, lin_defects[defect], all, happened, found,
        undecided);
    fflush(stdout);
    ck_assert_uint_le(undecided * 100, all);
    ck_assert_uint_ge(found * 100, happened * rates[_i].least);
    ck_assert(defect == SIM_SOUND || happened * 4 > all);
}
END_TEST

static Suite *
lin_suite(void)
{
    Suite *s = suite_create("lin");
    TCase *hand = tcase_create("by hand"), *random = tcase_create("random");

    tcase_add_loop_test(hand, what_somebody_can_follow, 0,
        (int) (sizeof(by_hand) / sizeof(by_hand[0])));
    tcase_add_loop_test(
        hand, a_log_that_is_none, 0, (int) (sizeof(wrong) / sizeof(wrong[0])));
    tcase_set_timeout(random, is_slow() ? 3000 : 60);
    tcase_add_loop_test(
        random, defects_are_found, 0, (int) (sizeof(rates) / sizeof(rates[0])));
    suite_add_tcase(s, hand);
    suite_add_tcase(s, random);
    return s;
}

int
main(void)
{
    return um_check_main(lin_suite());
}
