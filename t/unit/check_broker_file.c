/* SPDX-License-Identifier: Apache-2.0 */

#include "../../modules/broker/file.h"
#include "core/um_log.h"
#include "core/um_str.h"
#include "um_check.h"
#include "um_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH "d/metadata"

/* A state is {"n":<number>,"pad":"..."}, long enough to be torn. */
static const char *
state(int n)
{
    static char text[256];

    snprintf(text, sizeof(text), "{\"n\":%d,\"pad\":\"%0*d\"}", n, 60 + n, 7);
    return text;
}

/* Stands for the parser of the store: JSON that is cut is none. */
static const char *
check(um_str_t text, void *data)
{
    (void) data;
    return text.len > 10 && memcmp(text.data, "{\"n\":", 5) == 0
                   && memcmp(text.data + text.len - 2, "\"}", 2) == 0
                   && memchr(text.data, 'x', text.len) == NULL
                   && memchr(text.data, '\0', text.len) == NULL
               ? NULL
               : "not a state";
}

/* What save() notes, and what load() has found. */
static unsigned notes_said;
static unsigned notes_read;

static um_rc_t
save(int n, file_fault_t *fault)
{
    int stop_after = disk.stop_after;
    file_t f;
    um_rc_t rc;

    disk.stop_after = INT_MAX;
    ck_assert_int_eq(file_init(&f, PATH, &disk_sys), UM_OK);
    disk.stop_after = stop_after;
    disk.calls = 0;
    disk.trace[0] = '\0';
    rc = file_save(&f, um_str_of(state(n)), notes_said, fault);
    file_deinit(&f);
    return rc;
}

/* The number of the state that is read; 0: none, -1: refused. */
static int
load(void)
{
    um_sbuf_t out = { 0 };
    int n = -1;
    file_t f;
    um_rc_t rc;

    ck_assert_int_eq(file_init(&f, PATH, &disk_sys), UM_OK);
    rc = file_load(&f, check, NULL, &out, &notes_read);
    if (rc == UM_DECLINED) {
        n = 0;
    } else if (rc == UM_OK) {
        n = atoi(um_sbuf_cstr(&out) + 5);
        ck_assert_str_eq(um_sbuf_cstr(&out), state(n));
    }

    um_sbuf_deinit(&out);
    file_deinit(&f);
    return n;
}

static void
setup(void)
{
    disk_format();
    notes_said = notes_read = 0;
    ck_assert_int_eq(um_log_open("/dev/null", UM_LOG_ALERT), UM_OK);
}

START_TEST(what_is_saved_is_read)
{
    file_fault_t fault;

    ck_assert_int_eq(load(), 0);
    for (int n = 1; n <= 3; n++) {
        ck_assert_int_eq(save(n, &fault), UM_OK);
        ck_assert_ptr_null(fault.what);
        ck_assert_int_eq(load(), n);
    }
}
END_TEST

START_TEST(the_order_of_calls_is_the_one_that_is_safe)
{
    file_fault_t fault;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    ck_assert_int_eq(save(2, &fault), UM_OK);
    ck_assert_str_eq(disk.trace,
        "open write fsync close unlink link rename open fsync close close");
}
END_TEST

/*
 * Every prefix of the calls of a save, then a crash: each set of the changes
 * of names, each way to lose bytes.  What is read is the acknowledged state or
 * the one under way, and another save works, whatever the crash left.
 */
static void
crash_everywhere(size_t write_max, int acknowledged)
{
    static disk_t before;
    disk_t *after = malloc(sizeof(*after));
    file_fault_t fault;
    int steps = 0;
    um_rc_t rc;

    ck_assert_ptr_nonnull(after);
    before = disk;

    do {
        unsigned sets;

        disk = before;
        disk.write_max = write_max;
        disk.stop_after = steps;
        rc = save(9, &fault);
        *after = disk;
        sets = disk_sets();

        for (unsigned set = 0; set < sets; set++) {
            for (disk_way_t way = 0; way < DISK_WAYS; way++) {
                int n;

                disk = *after;
                disk_crash(set, way);
                n = load();
                ck_assert_msg(n == 9 || (n == acknowledged && rc != UM_OK),
                    "step %d, set %x, way %d: %d is read", steps, set, way, n);
                ck_assert_int_eq(save(8, &fault), UM_OK);
                ck_assert_int_eq(load(), 8);
            }
        }
        steps++;
    } while (rc != UM_OK);

    ck_assert_int_ge(steps, 9);
    free(after);
}

START_TEST(a_crash_at_any_call_leaves_a_whole_state)
{
    static const size_t write_max[] = { DISK_BYTES, 23, 1 };
    file_fault_t fault;

    for (int n = 1; n <= _i; n++) {
        ck_assert_int_eq(save(n, &fault), UM_OK);
    }
    for (size_t i = 0; i < um_countof(write_max); i++) {
        disk_t *kept = malloc(sizeof(*kept));

        ck_assert_ptr_nonnull(kept);
        *kept = disk;
        crash_everywhere(write_max[i], _i);
        disk = *kept;
        free(kept);
    }
}
END_TEST

/* The disk damaged it; what a recovery does may be cut short, too. */
START_TEST(a_crash_after_damage_leaves_the_state_before)
{
    file_fault_t fault;
    disk_t *damaged = malloc(sizeof(*damaged));
    int n = -1;

    ck_assert_ptr_nonnull(damaged);
    ck_assert_int_eq(save(1, &fault), UM_OK);
    ck_assert_int_eq(save(2, &fault), UM_OK);
    disk_file(PATH)->bytes[8] ^= 1;
    disk_file(PATH)->synced[8] ^= 1;
    *damaged = disk;

    for (int stop = 1; n != 1; stop++) {
        unsigned sets;
        disk_t *after = malloc(sizeof(*after));

        ck_assert_ptr_nonnull(after);
        disk = *damaged;
        disk.stop_after = disk.calls + stop;
        n = load();
        *after = disk;
        sets = disk_sets();
        for (unsigned set = 0; set < sets; set++) {
            disk = *after;
            disk_crash(set, DISK_LOST);
            ck_assert_int_eq(load(), 1);
            ck_assert_uint_eq(notes_read, FILE_OLDER);
            crash_everywhere(DISK_BYTES, 1);
        }
        free(after);
    }
    free(damaged);
}
END_TEST

START_TEST(notes_are_kept_with_their_state)
{
    file_fault_t fault;

    for (notes_said = 0; notes_said < 4; notes_said++) {
        ck_assert_int_eq(save(1, &fault), UM_OK);
        ck_assert_int_eq(load(), 1);
        ck_assert_uint_eq(notes_read, notes_said);
    }

    /* What is used instead of a damaged one says so, and keeps its own; it
     * says so for as long as nothing is saved. */
    notes_said = FILE_REPLICA;
    ck_assert_int_eq(save(2, &fault), UM_OK);
    ck_assert_int_eq(save(3, &fault), UM_OK);
    disk_file(PATH)->bytes[8] ^= 1;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(load(), 2);
        ck_assert_uint_eq(notes_read, FILE_REPLICA | FILE_OLDER);
    }
    notes_said = 0;
    ck_assert_int_eq(save(4, &fault), UM_OK);
    ck_assert_int_eq(load(), 4);
    ck_assert_uint_eq(notes_read, 0);

    /* They need no seal. */
    disk_put(PATH,
        "{\"n\":5,\"pad\":\"00000000000000000000000000000000000000000"
        "000000000000000000000007\",\"replica\":true}\n");
    ck_assert_int_eq(load(), 5);
    ck_assert_uint_eq(notes_read, FILE_REPLICA);
}
END_TEST

/* One call fails, and nothing else: nothing acknowledged is lost, and when the
 * trouble is over saves work again. */
START_TEST(a_call_that_fails_is_told_and_loses_nothing)
{
    static const int errors[] = { ENOSPC, EROFS, EIO, EMFILE };
    file_fault_t fault;

    for (int at = 0; at < 10; at++) {
        int err = errors[_i];
        um_rc_t rc;

        disk_format();
        ck_assert_int_eq(save(1, &fault), UM_OK);
        ck_assert_int_eq(save(2, &fault), UM_OK);
        disk.fail_at = at;
        disk.fail_errno = err;
        rc = save(3, &fault);
        disk.fail_at = -1;

        if (rc != UM_OK) {
            ck_assert_ptr_nonnull(fault.what);
            ck_assert_int_eq(fault.err, err);
            ck_assert(load() == 2 || strstr(fault.what, "directory") != NULL);
        } else { /* only the close of the directory does not matter */
            ck_assert_int_eq(at, 9);
            ck_assert_int_eq(load(), 3);
        }
        ck_assert_int_eq(save(4, &fault), UM_OK);
        ck_assert_int_eq(load(), 4);
    }
}
END_TEST

START_TEST(a_full_disk_fails_for_as_long_as_it_is_full)
{
    file_fault_t fault;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    disk.write_max = 0; /* takes nothing and says nothing */
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(save(2, &fault), UM_ERR);
        ck_assert_str_eq(fault.what, "write");
        ck_assert_ptr_null(disk_file(PATH ".new"));
    }
    disk.write_max = 5;
    ck_assert_int_eq(save(2, &fault), UM_OK);
    ck_assert_int_eq(load(), 2);
}
END_TEST

/* It can still be read, though nothing can be written. */
START_TEST(a_full_disk_does_not_keep_the_state_before_away)
{
    file_fault_t fault;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    ck_assert_int_eq(save(2, &fault), UM_OK);
    disk_file(PATH)->bytes[8] ^= 1;
    disk.write_max = 0;
    ck_assert_int_eq(load(), 1);
    ck_assert_uint_eq(notes_read, FILE_OLDER);
    ck_assert_ptr_null(disk_file(PATH ".new"));
    disk.write_max = DISK_BYTES;
    ck_assert_int_eq(save(3, &fault), UM_OK);
    ck_assert_int_eq(load(), 3);
}
END_TEST

START_TEST(any_bit_that_turns_is_noticed)
{
    file_fault_t fault;
    size_t len;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    ck_assert_int_eq(save(2, &fault), UM_OK);
    len = disk_file(PATH)->len;

    for (size_t i = 0; i < len; i++) {
        disk_t *kept;

        /* Only in the word "checksum" it is not: all else is right then. */
        if (i >= len - 45 && i < len - 45 + strlen(",\"checksum\":\"")) {
            continue;
        }

        kept = malloc(sizeof(*kept));
        ck_assert_ptr_nonnull(kept);
        *kept = disk;
        disk_file(PATH)->bytes[i] ^= (char) (1 << i % 7);
        ck_assert_int_eq(load(), 1);
        disk = *kept;
        free(kept);
    }
}
END_TEST

START_TEST(a_file_that_is_cut_is_noticed_at_any_length)
{
    file_fault_t fault;
    size_t len;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    ck_assert_int_eq(save(2, &fault), UM_OK);
    len = disk_file(PATH)->len;

    for (size_t cut = 0; cut < len - 2; cut++) {
        disk_t *kept = malloc(sizeof(*kept));

        ck_assert_ptr_nonnull(kept);
        *kept = disk;
        disk_file(PATH)->len = cut;
        ck_assert_int_eq(load(), 1);
        ck_assert_int_eq(disk_file(PATH ".bad")->len, cut);
        ck_assert_int_eq(load(), 1);
        disk = *kept;
        free(kept);
    }
}
END_TEST

START_TEST(a_plain_dump_is_taken_as_it_is)
{
    char text[300];

    snprintf(text, sizeof(text), "%s\n\n", state(5));
    disk_put(PATH, text);
    ck_assert_int_eq(load(), 5);
}
END_TEST

START_TEST(without_a_good_one_nothing_is_made_up)
{
    disk_put(PATH, "{\"n\":1,\"pa");
    ck_assert_int_eq(load(), -1);
    disk_put(PATH ".old", "");
    ck_assert_int_eq(load(), -1);
    ck_assert_ptr_nonnull(disk_file(PATH)); /* and nothing thrown away */
}
END_TEST

START_TEST(a_read_that_fails_is_not_a_file_that_is_missing)
{
    file_fault_t fault;

    ck_assert_int_eq(save(1, &fault), UM_OK);
    disk.fail_errno = EACCES;
    disk.fail_at = disk.calls + 1; /* behind the lock */
    ck_assert_int_eq(load(), -1);
    disk.fail_at = -1;
    ck_assert_int_eq(load(), 1);
}
END_TEST

START_TEST(two_processes_never_share_a_file)
{
    char dir[] = "/tmp/um-file-XXXXXX";
    char path[64];
    char name[80];
    file_fault_t fault;
    file_t a;
    file_t b;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/metadata", dir);
    ck_assert_int_eq(file_init(&a, path, &file_sys), UM_OK);
    ck_assert_int_eq(file_init(&b, path, &file_sys), UM_AGAIN);
    file_deinit(&b);
    ck_assert_int_eq(file_save(&a, um_str_of(state(1)), 0, &fault), UM_OK);
    ck_assert_int_eq(file_save(&a, um_str_of(state(2)), 0, &fault), UM_OK);
    file_deinit(&a);
    ck_assert_int_eq(file_init(&b, path, &file_sys), UM_OK);
    file_deinit(&b);

    for (int i = 0; i < 3; i++) {
        static const char *const left[] = { "", ".old", ".lock" };

        snprintf(name, sizeof(name), "%s%s", path, left[i]);
        ck_assert_msg(unlink(name) == 0, "%s", name);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("broker file");
    TCase *tc = tcase_create("file");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, what_is_saved_is_read);
    tcase_add_test(tc, the_order_of_calls_is_the_one_that_is_safe);
    tcase_add_loop_test(tc, a_crash_at_any_call_leaves_a_whole_state, 0, 4);
    tcase_add_test(tc, a_crash_after_damage_leaves_the_state_before);
    tcase_add_test(tc, notes_are_kept_with_their_state);
    tcase_add_loop_test(tc, a_call_that_fails_is_told_and_loses_nothing, 0, 4);
    tcase_add_test(tc, a_full_disk_fails_for_as_long_as_it_is_full);
    tcase_add_test(tc, a_full_disk_does_not_keep_the_state_before_away);
    tcase_add_test(tc, any_bit_that_turns_is_noticed);
    tcase_add_test(tc, a_file_that_is_cut_is_noticed_at_any_length);
    tcase_add_test(tc, a_plain_dump_is_taken_as_it_is);
    tcase_add_test(tc, without_a_good_one_nothing_is_made_up);
    tcase_add_test(tc, a_read_that_fails_is_not_a_file_that_is_missing);
    tcase_add_test(tc, two_processes_never_share_a_file);
    suite_add_tcase(suite, tc);

    return um_check_main(suite);
}
