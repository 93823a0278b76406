/*
 * The CSV sink on a machine that stops, or fails, at any of its calls: a process killed, a power
 * cut that takes names, content or both, a full disk, a disk that fails. In the end the files are
 * byte for byte those of a run that nothing disturbed, and what was told to be durable is there.
 */
#include "csv_kit.h"

static struct memory_folder calm, rough;

static bool is_rows(const char *name)
{
    str text = str_from(name);
    return !str_ends(text, STR(".lock")) && !str_ends(text, STR(".side"))
           && !str_ends(text, STR(".start")) && !str_ends(text, STR(".new"));
}

/* Every file of rows of the one is in the other. */
static void check_held(struct memory_folder *one, struct memory_folder *other, const char *what)
{
    for (int i = 0; i < NODES; i++) {
        const char *name = one->now[i].text;
        if (!name[0] || !is_rows(name))
            continue;
        if (!name_in(other->now, name))
            fail_msg("%s: %s is in one directory alone", what, name);
        check_str(name, memory_content(one, name), memory_content(other, name));
    }
}

static void check_same(const struct kit *kit, const char *what)
{
    check_held(&calm, &rough, what);
    check_held(&rough, &calm, what);
    for (size_t i = 0; i < KIT_LANES; i++)
        check_number(what, kit->flushed[i], KIT_HIGH);
}

static void run_calm(const char *options, size_t per_flush)
{
    struct kit kit;
    memory_clear(&calm);
    kit_start(&kit, &calm, options);
    kit_run(&kit, per_flush);
    kit_stop(&kit);
}

/* What the task does: an environment's fault is claimed away, a fatal one ends it; after the
   machine stopped there is a new start. Stops again at the step `again` after that. */
static void run_rough(struct kit *kit, size_t per_flush, enum cut_kind cut, unsigned again)
{
    for (int tries = 0; tries < 20; tries++) {
        bool good = (kit->sink || kit_open(kit)) && kit_claim(kit) && kit_feed(kit, per_flush);
        if (good)
            break;
        if (rough.stopped) {
            kit_close(kit);
            memory_restart(&rough, cut);
            rough.step = 0;
            rough.stop_at = again;
            again = 0;
        } else if (kit->fault.kind == FAULT_FATAL) {
            kit_close(kit);
        } else {
            assert_true(rough.failed);
            assert_true(kit->fault.kind == FAULT_RETRY || kit->fault.kind == FAULT_CONFIG);
        }
        assert_true(tries < 19);
    }
    kit_close(kit);
}

struct trouble {
    unsigned stop_at, fail_at, again;
    int fail_with;
    bool half;
    enum cut_kind cut;
};

/* False where the run has fewer steps than that. */
static bool run(const char *options, size_t per_flush, const struct trouble *trouble)
{
    struct kit kit;
    char what[200];
    memory_clear(&rough);
    rough.stop_at = trouble->stop_at;
    rough.fail_at = trouble->fail_at;
    rough.fail_with = trouble->fail_with;
    rough.half = trouble->half;
    kit_start(&kit, &rough, options);
    run_rough(&kit, per_flush, trouble->cut, trouble->again);
    snprintf(what, sizeof(what), "%s: stop %u, fail %u, cut %d, again %u", options,
             trouble->stop_at, trouble->fail_at, (int)trouble->cut, trouble->again);
    check_same(&kit, what);
    kit_stop(&kit);
    unsigned wanted = trouble->stop_at ? trouble->stop_at : trouble->fail_at;
    /* A restart counts anew. */
    return trouble->stop_at ? rough.stop_at == 0 : rough.step >= wanted;
}

static const char *const settings[] = {
    "file.path=x",
    "file.path=x;format.header=true;file.roll.bytes=150",
    "file.path=x;file.roll.ms=20000;format=jsonl",
    "file.path=x;file.roll.bytes=200;file.compression=gzip",
    "file.path=x;file.roll.bytes=200;file.roll.ms=40000;file.compression=zstd",
};

/* Stops at every step there is; gives their number. */
static unsigned stop_everywhere(const char *options, enum cut_kind cut, bool half)
{
    unsigned at = 1;
    run_calm(options, 1000);
    while (run(options, 7, &(struct trouble){.stop_at = at, .cut = cut, .half = half}))
        at++;
    return at - 1;
}

static void test_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        /* zstd takes long to begin, and differs from gzip in nothing that matters here. */
        bool slow = strstr(settings[i], "zstd") != NULL;
        for (int cut = slow ? CUT_SOME_NAMES : CUT_PROCESS; cut < CUT_KINDS; cut++) {
            unsigned steps = stop_everywhere(settings[i], (enum cut_kind)cut, cut & 1);
            assert_true(steps > 80);
        }
    }
}

/* Stopped, and stopped again while it mends what the first stop left. */
static void test_stops_twice(void **state)
{
    (void)state;
    for (size_t i = 1; i < COUNT(settings); i += 2) {
        run_calm(settings[i], 1000);
        bool more = true;
        for (unsigned at = 20; more; at += 7)
            for (unsigned again = 1; more && again < 36; again++)
                more = run(settings[i], 11,
                           &(struct trouble){.stop_at = at,
                                             .again = again,
                                             .cut = (enum cut_kind)((at + again) % CUT_KINDS)});
    }
}

/* Every step fails once, in every way. A failed sync loses what was to be written. */
static void test_failures(void **state)
{
    (void)state;
    static const int codes[] = {ENOSPC, EIO, EACCES};
    for (size_t i = 0; i < COUNT(settings); i++) {
        run_calm(settings[i], 1000);
        size_t count = strstr(settings[i], "zstd") ? 1 : COUNT(codes);
        for (size_t code = 0; code < count; code++) {
            unsigned at = 1;
            while (
                run(settings[i], 7,
                    &(struct trouble){.fail_at = at, .fail_with = codes[code], .half = code == 0}))
                at++;
            assert_true(at > 80);
        }
    }
}

/* A failed sync ends the task, and nothing is synced again by it. */
static void test_sync_is_never_retried(void **state)
{
    (void)state;
    unsigned fatal = 0;
    for (unsigned at = 1; at < 400; at++) {
        struct kit kit;
        memory_clear(&rough);
        rough.fail_at = at;
        rough.fail_with = EIO;
        kit_start(&kit, &rough, settings[1]);
        bool good = kit_open(&kit) && kit_claim(&kit) && kit_feed(&kit, 7);
        if (!good && kit.fault.kind == FAULT_FATAL) {
            fatal++;
            assert_int_equal(rough.step, at); /* it was the last thing it did */
            assert_non_null(strstr(kit.fault.text, "durable"));
        }
        kit_stop(&kit);
    }
    assert_true(fatal > 30);
}

/* Where a flush falls has nothing to do with what the files hold. */
static void test_flush_borders(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        run_calm(settings[i], 1000);
        for (size_t per_flush = 1; per_flush < 30; per_flush++)
            run(settings[i], per_flush, &(struct trouble){0});
    }
}

/* ---- the rows, told by hand ---- */

/* A lane's rows as CSV: every text has a comma, so all stand in quotes. */
static void put_wanted(struct buf *out, size_t lane)
{
    char text[100];
    for (int64_t offset = 0; offset < KIT_HIGH; offset++) {
        for (size_t nth = 0; nth < rows_at(lane, offset); nth++) {
            str row = text_at(text, sizeof(text), lane, offset, nth);
            buf_char(out, '"');
            for (size_t i = 0; i < row.len; i++) {
                if (row.ptr[i] == '"')
                    buf_char(out, '"');
                buf_char(out, row.ptr[i]);
            }
            buf_str(out, STR("\"\n"));
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All files of a lane, in the order of their names. */
static void put_files(struct buf *out, struct memory_folder *folder, const char *prefix)
{
    const char *name[NODES];
    size_t count = 0;
    for (int i = 0; i < NODES; i++)
        if (is_rows(folder->now[i].text)
            && str_starts(str_from(folder->now[i].text), str_from(prefix)))
            name[count++] = folder->now[i].text;
    qsort(name, count, sizeof(name[0]), by_name);
    for (size_t i = 0; i < count; i++)
        buf_str(out, memory_content(folder, name[i]));
}

static void check_rows(struct memory_folder *folder, const char *what)
{
    struct buf got, want;
    buf_init(&got, TEST_BYTES);
    buf_init(&want, TEST_BYTES);
    for (size_t lane = 0; lane < KIT_LANES; lane++) {
        buf_clear(&got);
        buf_clear(&want);
        put_files(&got, folder, lane ? "t-1." : "t-0.");
        put_wanted(&want, lane);
        check_str(what, buf_view(&got), buf_view(&want));
    }
    buf_release(&got);
    buf_release(&want);
}

/* After the stop, files are to roll elsewhere: what was being made then must not stay. */
static void test_other_settings(void **state)
{
    (void)state;
    static const char *const after[] = {"file.path=x;file.roll.bytes=333", "file.path=x",
                                        "file.path=x;file.roll.ms=20000"};
    bool stopped = true;
    for (unsigned at = 1; stopped; at++) {
        for (int cut = CUT_PROCESS; cut < CUT_KINDS; cut++) {
            struct kit kit;
            memory_clear(&rough);
            rough.stop_at = at;
            kit_start(&kit, &rough, "file.path=x;file.roll.bytes=150");
            bool good = kit_open(&kit) && kit_claim(&kit) && kit_feed(&kit, 11);
            assert_true(good == !rough.stopped);
            stopped = rough.stopped;
            kit_stop(&kit);
            memory_restart(&rough, (enum cut_kind)cut);
            kit_start(&kit, &rough, after[at % COUNT(after)]);
            kit_run(&kit, 1000);
            kit_stop(&kit);
            check_rows(&rough, after[at % COUNT(after)]);
        }
    }
}

static void test_rows_by_hand(void **state)
{
    (void)state;
    run_calm(settings[0], 1000);
    check_rows(&calm, settings[0]);
    run_calm("file.path=x;file.roll.bytes=100", 7);
    check_rows(&calm, "roll.bytes");
}

static int free_folders(void **state)
{
    (void)state;
    memory_free(&calm);
    memory_free(&rough);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_by_hand),
        cmocka_unit_test(test_flush_borders),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_stops_twice),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_sync_is_never_retried),
    };
    return cmocka_run_group_tests(tests, NULL, free_folders);
}
