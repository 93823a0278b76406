/*
 * The CSV sink: names, where files end, what is refused and with which remedy, two owners, and what
 * somebody else does to its files.
 */
#include "csv_kit.h"

#include "csv_side.h"

static struct memory_folder folder;

/* ---- names ---- */

static void check_name(const char *topic, int32_t partition, const char *want)
{
    struct file_name name;
    lane_name(&name, str_from(topic), partition);
    check_text(topic, str_from(name.text), want);
}

static void test_names(void **state)
{
    (void)state;
    char topic[301];
    struct file_name one, other;
    check_name("bank.bank.holding", 3, "bank.bank.holding-3");
    check_name("a-b_C.9", 2147483647, "a-b_C.9-2147483647");
    check_name("", 0, "-0");
    check_name("..", 0, "%2E.-0");
    check_name(".hidden", 0, "%2Ehidden-0");
    check_name("../../etc/passwd", 1, "%2E.%2F..%2Fetc%2Fpasswd-1");
    check_name("a b\n%41~\xc3\xa4", 0, "a%20b%0A%2541%7E%C3%A4-0");
    /* Long ones are cut, stay within what a name may have, and stay apart. */
    memset(topic, 'x', sizeof(topic));
    topic[300] = '\0';
    lane_name(&one, str_from(topic), 2147483647);
    topic[299] = 'y';
    lane_name(&other, str_from(topic), 2147483647);
    assert_string_not_equal(one.text, other.text);
    struct file_name longest = name_of_rows(one.text, INT64_MAX, "jsonl");
    longest = name_with(longest.text, ".zst" PART_SUFFIX);
    assert_true(strlen(longest.text) < 255);
    assert_true(str_ends(str_from(longest.text), STR(".09223372036854775807.jsonl.zst.part")));
    memset(topic, '/', sizeof(topic) - 1);
    lane_name(&one, str_from(topic), 7);
    assert_null(strchr(one.text, '/'));
    assert_true(strlen(one.text) < 180);
}

static void test_rows_of(void **state)
{
    (void)state;
    static const char *const ours[] = {"t-0.csv",
                                       "t-0.jsonl",
                                       "t-0.copy",
                                       "t-0.00000000000000000012.csv",
                                       "t-0.00000000000000000012.csv.part",
                                       "t-0.00000000000000000012.csv.gz",
                                       "t-0.00000000000000000012.csv.zst.part"};
    static const char *const others[] = {"t-0.side",     "t-0.lock",
                                         "t-0.side.new", "t-01.csv",
                                         "t-0.csvx",     "t-0",
                                         "t.start",      "t-0.12.csv",
                                         "x-0.csv",      "t-0.00000000000000000012.csv-1.csv",
                                         "t-0.b-1.csv",  "t-0.csv.gz"};
    for (size_t i = 0; i < COUNT(ours); i++)
        assert_true(is_rows_of("t-0", ours[i]));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(is_rows_of("t-0", others[i]));
}

/* ---- one lane with rows of ten bytes, to see where files end ---- */

struct feed {
    struct kit kit;
    char text[40];
};

static void feed_start(struct feed *feed, const char *options)
{
    kit_start(&feed->kit, &folder, options);
    feed->kit.other_log = true;
    check_good("open", kit_open(&feed->kit), &feed->kit.fault);
    feed->kit.lane[1].assigned = false;
    check_good("claim", kit_claim(&feed->kit), &feed->kit.fault);
}

/* One row "xxxxxxxxN\n" of ten bytes at an offset and a time. */
static void feed_put(struct feed *feed, int64_t offset, int64_t time_us)
{
    static const struct batch batch;
    struct record record = {.at = {0, offset}, .time_us = time_us};
    snprintf(feed->text, sizeof(feed->text), "%09lld", (long long)offset);
    struct value copied = {VALUE_TEXT, str_from(feed->text)};
    struct change change = {.op = CHANGE_CREATE, .record = &record, .copied = &copied};
    const struct row row = {&change, NULL};
    check_good("put", sink_put(feed->kit.sink, &batch, &row, 1, &feed->kit.fault),
               &feed->kit.fault);
    feed->kit.at[0] = offset + 1;
}

static void feed_stop(struct feed *feed)
{
    struct reach reach = {0, feed->kit.at[0], TIME_UNKNOWN, OFFSET_NONE};
    check_good("flush", sink_flush(feed->kit.sink, feed->kit.lane, &reach, 1, &feed->kit.fault),
               &feed->kit.fault);
    kit_stop(&feed->kit);
}

static void check_file(const char *name, const char *want)
{
    if (!name_in(folder.now, name))
        fail_msg("there is no %s", name);
    check_text(name, memory_content(&folder, name), want);
}

static void check_gone(const char *name)
{
    if (name_in(folder.now, name))
        fail_msg("%s is still there", name);
}

#define FILE_AT(offset) "t-0.0000000000000000000" offset ".csv"

/* A record that would pass the limit begins the next file; one that reaches it does not. */
static void test_roll_bytes(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;file.roll.bytes=22;format.header=true");
    for (int64_t i = 0; i < 5; i++)
        feed_put(&feed, i, TIME_UNKNOWN);
    feed_stop(&feed);
    check_file(FILE_AT("0"), "c\n000000000\n000000001\n");
    check_file(FILE_AT("2"), "c\n000000002\n000000003\n");
    check_file(FILE_AT("4") ".part", "c\n000000004\n");
    check_gone(FILE_AT("0") ".part");
    /* What is larger than the limit has a file of its own. */
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;file.roll.bytes=5");
    for (int64_t i = 0; i < 3; i++)
        feed_put(&feed, i, TIME_UNKNOWN);
    feed_stop(&feed);
    check_file(FILE_AT("0"), "000000000\n");
    check_file(FILE_AT("1"), "000000001\n");
    check_file(FILE_AT("2") ".part", "000000002\n");
}

/* Spans begin at 1970 and not with the file; time that goes back, or is not known, ends none. */
static void test_roll_time(void **state)
{
    (void)state;
    static const int64_t at[] = {-1,           0,       999999, 500,     999998,
                                 TIME_UNKNOWN, 1000000, 999999, 1500000, 7000000};
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;file.roll.ms=1000");
    for (size_t i = 0; i < COUNT(at); i++)
        feed_put(&feed, (int64_t)i, at[i]);
    feed_stop(&feed);
    check_file(FILE_AT("0"), "000000000\n");
    check_file(FILE_AT("1"), "000000001\n000000002\n000000003\n000000004\n000000005\n");
    check_file(FILE_AT("6"), "000000006\n000000007\n000000008\n");
    check_file(FILE_AT("9") ".part", "000000009\n");
}

/* A file has rows of one form alone: other columns or another format begin a new one. */
static void test_other_form(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x");
    feed_put(&feed, 0, 1);
    feed_stop(&feed);
    check_file("t-0.csv", "000000000\n");
    feed_start(&feed, "file.path=x"); /* the same */
    feed_put(&feed, 1, 1);
    feed_stop(&feed);
    feed_start(&feed, "file.path=x;format=jsonl");
    feed_put(&feed, 2, 1);
    feed_stop(&feed);
    check_gone("t-0.csv");
    check_file(FILE_AT("0"), "000000000\n000000001\n");
    check_file("t-0.00000000000000000002.jsonl.part", "{\"c\":\"000000002\"}\n");
    feed_start(&feed, "file.path=x;format.header=true");
    feed_put(&feed, 3, 1);
    feed_stop(&feed);
    check_file("t-0.00000000000000000002.jsonl", "{\"c\":\"000000002\"}\n");
    check_file(FILE_AT("3") ".part", "c\n000000003\n");
}

static void feed_message(struct feed *feed, int64_t offset)
{
    static const struct batch batch;
    struct record record = {.at = {0, offset}, .topic = STR("t"), .offset = offset, .time_us = 0};
    struct change change = {.op = CHANGE_MESSAGE,
                            .record = &record,
                            .source_us = TIME_UNKNOWN,
                            .prefix = {VALUE_TEXT, STR("p")},
                            .content = {VALUE_TEXT, STR("a,b")}};
    const struct row row = {&change, NULL};
    check_good("put", sink_put(feed->kit.sink, &batch, &row, 1, &feed->kit.fault),
               &feed->kit.fault);
    feed->kit.at[0] = offset + 1;
}

#define MESSAGE_HEAD                                                                               \
    "source_name,tx_id,lsn,prefix,content,event_time,kafka_topic,kafka_partition,kafka_offset\n"
#define MESSAGE_AT(offset) ",,,p,\"a,b\",1970-01-01T00:00:00.000000Z,t,0," offset "\n"

/* Within one flush and over several: a file has messages or changes, under the right head line. */
static void test_messages(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;format.header=true");
    assert_true(feed.kit.sink->takes_messages);
    feed_message(&feed, 0);
    feed_stop(&feed);
    check_file("t-0.csv", MESSAGE_HEAD MESSAGE_AT("0"));
    feed_start(&feed, "file.path=x;format.header=true");
    feed_message(&feed, 1);
    feed_put(&feed, 2, 1);
    feed_put(&feed, 3, 1);
    feed_message(&feed, 4);
    feed_stop(&feed);
    check_file(FILE_AT("0"), MESSAGE_HEAD MESSAGE_AT("0") MESSAGE_AT("1"));
    check_file(FILE_AT("2"), "c\n000000002\n000000003\n");
    check_file(FILE_AT("4") ".part", MESSAGE_HEAD MESSAGE_AT("4"));
    feed_start(&feed, "file.path=x;format.header=true;file.messages=false");
    assert_false(feed.kit.sink->takes_messages);
    feed_stop(&feed);
}

/* A claim makes no file of rows, and its name may still change. */
static void test_nothing_yet(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x");
    check_gone("t-0.csv");
    assert_non_null(name_in(folder.durable, "t-0.side"));
    kit_stop(&feed.kit);
    feed_start(&feed, "file.path=x;file.roll.bytes=5;format=copy");
    feed_put(&feed, 0, 1);
    feed_stop(&feed);
    check_file("t-0.00000000000000000000.copy.part", "000000000\n");
}

/* Only the compressed file is ever there under a final name. */
static void test_compression_setting(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;file.roll.bytes=10;file.compression=gzip");
    for (int64_t i = 0; i < 2; i++)
        feed_put(&feed, i, 1);
    feed_stop(&feed);
    check_gone(FILE_AT("0"));
    check_gone(FILE_AT("0") ".part");
    assert_non_null(name_in(folder.now, FILE_AT("0") ".gz"));
    /* A crash between the compressed file's rename and the plain one's removal, then another
       setting: the plain one must not come back beside it. */
    memory_put(&folder, FILE_AT("0") ".part", STR("000000000\n"));
    struct name *side = name_in(folder.now, "t-0.side");
    str text = memory_content(&folder, side->text);
    ptrdiff_t at = str_find(text, STR("\"rolled\":["));
    assert_true(at > 0);
    assert_non_null(strstr(text.ptr + at, FILE_AT("0") ".part"));
    feed_start(&feed, "file.path=x;file.roll.bytes=10");
    kit_stop(&feed.kit);
    check_gone(FILE_AT("0"));
    check_gone(FILE_AT("0") ".part");
    assert_non_null(name_in(folder.now, FILE_AT("0") ".gz"));
}

/* ---- what is refused ---- */

/* Flushed rows, then `spoil`, then a start that must be refused. */
static void check_refused(void (*spoil)(void), const char *options, const char *part)
{
    struct kit kit;
    memory_clear(&folder);
    kit_start(&kit, &folder, "file.path=x");
    kit_run(&kit, 10);
    kit_stop(&kit);
    spoil();
    kit_start(&kit, &folder, options);
    bool good = kit_open(&kit) && kit_claim(&kit);
    check_fault(part, good, &kit.fault, FAULT_CONFIG, part);
    kit_stop(&kit);
}

static void make_shorter(void)
{
    memory_put(&folder, "t-1.csv", STR("abc"));
}

static void remove_rows(void)
{
    assert_int_equal(memory_remove(&folder.folder, "t-1.csv"), 0);
}

static void remove_side(void)
{
    assert_int_equal(memory_remove(&folder.folder, "t-1.side"), 0);
}

static void damage_side(void)
{
    memory_put(&folder, "t-1.side", STR("{\"connector\":\"c\",\"topic\":\"t\""));
}

static void lead_out(void)
{
    memory_put(&folder, "t-1.side",
               STR("{\"connector\":\"c\",\"topic\":\"t\",\"partition\":1,\"file\":\"../passwd\","
                   "\"length\":0,\"next\":3,\"epoch\":1,\"start\":0}"));
}

static void other_connector(void)
{
    memory_put(&folder, "t-1.side", STR("{\"connector\":\"other\",\"topic\":\"t\"}"));
}

static void other_topic(void)
{
    memory_put(&folder, "t-1.side", STR("{\"connector\":\"c\",\"topic\":\"u\"}"));
}

static void other_cluster(void)
{
    memory_put(&folder, "t-1.side",
               STR("{\"connector\":\"c\",\"topic\":\"t\",\"cluster\":\"elsewhere\"}"));
}

static void go_away(void)
{
    folder.away = true;
}

static void be_shared(void)
{
    folder.kind = FOLDER_SHARED;
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused(make_shorter, "file.path=x", "memory/t-1.csv is shorter, while its side file");
    check_refused(remove_rows, "file.path=x", "memory/t-1.csv is not there");
    check_refused(remove_side, "file.path=x", "memory/t-1.csv has no side file (t-1.side)");
    check_refused(damage_side, "file.path=x", "memory/t-1.side: damaged");
    check_refused(lead_out, "file.path=x", "memory/t-1.side: not a side file");
    check_refused(other_connector, "file.path=x", "belongs to the connector other");
    check_refused(other_topic, "file.path=x", "is of topic u");
    check_refused(other_cluster, "file.path=x", "another Kafka cluster (elsewhere");
    check_refused(go_away, "file.path=x", "make the directory");
    check_refused(be_shared, "file.path=x", "file.shared=true");
    struct kit kit; /* said so, it is taken */
    kit_start(&kit, &folder, "file.path=x;file.shared=true");
    check_good("open", kit_open(&kit), &kit.fault);
    check_good("claim", kit_claim(&kit), &kit.fault);
    kit_stop(&kit);
}

static void check_options(const char *options, bool clustered, const char *part)
{
    struct kit kit;
    memory_clear(&folder);
    kit_start(&kit, &folder, options);
    struct csv_identity identity = {STR("c"), STR("host:1"), clustered};
    struct sink *sink = csv_new_in(&folder.folder, &kit.config, &kit.encoder, identity, &kit.fault);
    if (part)
        check_fault(options, sink != NULL, &kit.fault, FAULT_CONFIG, part);
    else
        check_good(options, sink != NULL, &kit.fault);
    if (sink)
        sink->type->stop(sink);
    kit_stop(&kit);
}

static void test_options(void **state)
{
    (void)state;
    check_options("", false, "file.path is missing");
    check_options("file.path=x;file.compression=gzip", false, "file.compression needs file.roll");
    check_options("file.path=x;file.compression=gzip;file.roll.ms=5", false, NULL);
    check_options("file.path=x", true, "file.shared=true");
    check_options("file.path=x;file.shared=true", true, NULL);
}

/* ---- owners ---- */

static void give_up(struct kit *kit, size_t lane)
{
    kit->lane[lane].outgoing = true;
    kit->sink->type->release(kit->sink, kit->lane, KIT_LANES);
    kit->lane[lane].outgoing = kit->lane[lane].assigned = false;
}

static void test_two_owners(void **state)
{
    (void)state;
    struct kit one, two;
    memory_clear(&folder);
    kit_start(&one, &folder, "file.path=x");
    kit_start(&two, &folder, "file.path=x");
    assert_true(kit_open(&one) && kit_claim(&one) && kit_put(&one, 0, 0) && kit_put(&one, 1, 0)
                && kit_flush(&one) && kit_open(&two));
    two.lane[0].assigned = false;
    check_fault("both", kit_claim(&two), &two.fault, FAULT_RETRY,
                "memory/t-1.lock: held by another worker or task (host:1)");
    /* What was not flushed goes with the lane. */
    assert_true(kit_put(&one, 1, 1));
    give_up(&one, 1);
    check_good("released", kit_claim(&two), &two.fault);
    check_number("from what was flushed", two.at[1], 1);
    check_good("the rest", kit_claim(&one), &one.fault);
    check_number("lane 0", one.at[0], 1);
    assert_true(kit_put(&one, 0, 1) && kit_flush(&one));
    assert_true(kit_put(&two, 1, 1) && kit_flush(&two));
    kit_close(&two); /* a task that ended frees what it had */
    one.lane[1].assigned = true;
    check_good("all", kit_claim(&one), &one.fault);
    check_number("lane 1", one.at[1], 2);
    kit_stop(&one);
    kit_stop(&two);
}

/* Partitions that are asked back in the middle of their claim, before anybody reads them, are free
   for the next owner. */
static void test_asked_back_in_a_claim(void **state)
{
    (void)state;
    struct kit one, two;
    memory_clear(&folder);
    kit_start(&one, &folder, "file.path=x");
    kit_start(&two, &folder, "file.path=x");
    for (size_t i = 0; i < KIT_LANES; i++) {
        one.lane[i].assigned = false;
        one.lane[i].incoming = true;
    }
    assert_true(kit_open(&one) && kit_open(&two));
    check_good("claim",
               one.sink->type->claim(one.sink, one.lane, one.memory, KIT_LANES, &one.fault),
               &one.fault);
    for (size_t i = 0; i < KIT_LANES; i++)
        one.lane[i].incoming = false;
    one.sink->type->release(one.sink, one.lane, KIT_LANES);
    check_good("free", kit_claim(&two), &two.fault);
    kit_stop(&one);
    kit_stop(&two);
}

/* The first claim says where all partitions begin, and a later one does not decide anew. */
static void test_starts(void **state)
{
    (void)state;
    struct kit kit;
    struct memory memory[KIT_LANES];
    memory_clear(&folder);
    kit_start(&kit, &folder, "file.path=x");
    assert_true(kit_open(&kit));
    kit.lane[0].next = 12;
    kit.lane[1].next = 34;
    kit.lane[1].assigned = false;
    check_good("claim", kit.sink->type->claim(kit.sink, kit.lane, memory, KIT_LANES, &kit.fault),
               &kit.fault);
    check_number("ours", memory[0].next, 12);
    check_number("not ours", memory[1].next, OFFSET_NONE);
    check_gone("t-1.side");
    kit_close(&kit);
    assert_true(kit_open(&kit));
    check_good("recall", kit.sink->type->recall(kit.sink, kit.lane, memory, KIT_LANES, &kit.fault),
               &kit.fault);
    check_number("ours", memory[0].next, 12);
    check_number("the other", memory[1].next, 34);
    kit.lane[1].assigned = true;
    kit.lane[1].next = 99; /* somebody who has not recalled */
    check_good("claim", kit.sink->type->claim(kit.sink, kit.lane, memory, KIT_LANES, &kit.fault),
               &kit.fault);
    check_number("the first word holds", memory[1].next, 34);
    kit_stop(&kit);
}

/* ---- what others do to the files of a sink that runs ---- */

static void append(void)
{
    struct name *name = name_in(folder.now, "t-1.csv");
    folder.node[name->node].now.len++;
}

static void replace(void)
{
    str content = memory_content(&folder, "t-1.csv");
    memory_put(&folder, "copy", content);
    assert_int_equal(memory_rename(&folder.folder, "copy", "t-1.csv"), 0);
}

/* The same epoch, and another position. */
static void move_side(void)
{
    static char text[1000];
    str content = memory_content(&folder, "t-1.side");
    ptrdiff_t at = str_find(content, STR("\"next\":"));
    assert_true(at > 0 && content.len < sizeof(text));
    memcpy(text, content.ptr, content.len);
    assert_true(text[at + 7] == '1');
    text[at + 7] = '0';
    memory_put(&folder, "copy", (str){text, content.len});
    assert_int_equal(memory_rename(&folder.folder, "copy", "t-1.side"), 0);
}

static void replace_lock(void)
{
    assert_int_equal(memory_remove(&folder.folder, "t-1.lock"), 0);
    memory_put(&folder, "t-1.lock", STR("me"));
}

/* The flush that follows must not be true; gives its fault's code. */
static void check_noticed(void (*spoil)(void), const char *part, int code)
{
    struct kit kit;
    memory_clear(&folder);
    kit_start(&kit, &folder, "file.path=x");
    assert_true(kit_open(&kit) && kit_claim(&kit) && kit_put(&kit, 1, 0) && kit_flush(&kit));
    spoil();
    assert_true(kit_put(&kit, 1, 1));
    check_fault(part, kit_flush(&kit), &kit.fault, FAULT_RETRY, part);
    check_number(part, kit.fault.code, code);
    kit_stop(&kit);
}

static void test_meddling(void **state)
{
    (void)state;
    check_noticed(remove_rows, "t-1.csv was removed, replaced or written to", 0);
    check_noticed(append, "t-1.csv was removed, replaced or written to", 0);
    check_noticed(replace, "t-1.csv was removed, replaced or written to", 0);
    check_noticed(remove_side, "t-1.side was removed or altered", SINK_MOVED);
    check_noticed(move_side, "t-1.side was removed or altered", SINK_MOVED);
    check_noticed(replace_lock, "t-1.lock was removed or replaced", 0);
}

/* Somebody who claimed while our lock was lost has the last word. */
static void test_fenced(void **state)
{
    (void)state;
    struct kit one, two;
    memory_clear(&folder);
    kit_start(&one, &folder, "file.path=x");
    kit_start(&two, &folder, "file.path=x");
    assert_true(kit_open(&one) && kit_claim(&one) && kit_put(&one, 1, 0) && kit_flush(&one));
    for (int i = 0; i < NODES; i++)
        folder.node[i].locked_by = 0;
    assert_true(kit_open(&two) && kit_claim(&two) && kit_put(&two, 1, 1) && kit_flush(&two));
    assert_true(kit_put(&one, 0, 0));
    check_fault("the old owner", kit_flush(&one), &one.fault, FAULT_RETRY, "another worker");
    check_number("code", one.fault.code, SINK_FENCED);
    kit_stop(&two);
    kit_stop(&one);
}

/* A position set back begins a file that is there already. */
static void test_set_back(void **state)
{
    (void)state;
    struct feed feed;
    memory_clear(&folder);
    feed_start(&feed, "file.path=x;file.roll.bytes=10");
    for (int64_t i = 0; i < 4; i++)
        feed_put(&feed, i, 1);
    struct reach reach = {0, 4, TIME_UNKNOWN, OFFSET_NONE};
    assert_true(sink_flush(feed.kit.sink, feed.kit.lane, &reach, 1, &feed.kit.fault));
    reach.next = 0; /* moves the position alone */
    assert_true(sink_flush(feed.kit.sink, feed.kit.lane, &reach, 1, &feed.kit.fault));
    check_good("claim", kit_claim(&feed.kit), &feed.kit.fault);
    check_number("back", feed.kit.at[0], 0);
    for (int64_t i = 0; i < 3; i++)
        feed_put(&feed, i, 1);
    reach.next = 3;
    check_fault("again", sink_flush(feed.kit.sink, feed.kit.lane, &reach, 1, &feed.kit.fault),
                &feed.kit.fault, FAULT_CONFIG, FILE_AT("0") " is there already");
    kit_stop(&feed.kit);
}

/* ---- the desk ---- */

static struct lane lane_at(int32_t partition, int64_t next)
{
    return (struct lane){.topic = STR("t"), .partition = partition, .high = KIT_HIGH, .next = next};
}

/* Seen and moved while nobody runs, in the numbering of who asks. */
static void test_desk(void **state)
{
    (void)state;
    struct kit kit;
    struct note note[3];
    memory_clear(&folder);
    kit_start(&kit, &folder, "file.path=x");
    kit_run(&kit, 10);
    assert_true(kit_open(&kit));
    const struct sink_desk *desk = kit.sink->type->desk;
    const struct lane lane[3] = {lane_at(1, 5), lane_at(7, 3), lane_at(0, 4)};
    unsigned steps = folder.step;
    check_good("inspect", desk->inspect(kit.sink, lane, note, 3, &kit.fault), &kit.fault);
    assert_int_equal(folder.step, steps); /* changes nothing */
    check_number("stands", note[0].memory.next, KIT_HIGH);
    check_number("epoch", note[0].memory.epoch, 1);
    check_number("held", note[0].memory.held, held_at(KIT_HIGH));
    check_text("owner", str_from(note[0].owner), "host:1");
    check_number("not known", note[1].memory.next, OFFSET_NONE);
    check_good("amend", desk->amend(kit.sink, lane, 2, &kit.fault), &kit.fault);
    check_good("inspect", desk->inspect(kit.sink, lane, note, 3, &kit.fault), &kit.fault);
    check_number("moved", note[0].memory.next, 5);
    check_number("moved by another owner", note[0].memory.epoch, 2);
    check_number("nothing held", note[0].memory.held, OFFSET_NONE);
    assert_true(note[0].memory.last_us == TIME_UNKNOWN);
    check_number("made", note[1].memory.next, 3);
    check_number("left alone", note[2].memory.next, KIT_HIGH);
    kit_close(&kit);
    kit.other_log = true;
    kit.flushed[1] = 5;
    check_good("open", kit_open(&kit), &kit.fault);
    check_good("free again", kit_claim(&kit), &kit.fault);
    check_number("from there", kit.at[1], 5);
    struct kit other; /* while it runs nobody moves it */
    kit_start(&other, &folder, "file.path=x");
    assert_true(kit_open(&other));
    check_fault("running", desk->amend(other.sink, lane, 1, &other.fault), &other.fault,
                FAULT_RETRY, "held by another");
    kit_stop(&other);
    kit_stop(&kit);
}

/* A file that is there without its side file is nobody's to cut. */
static void test_desk_leaves_orphans(void **state)
{
    (void)state;
    struct kit kit;
    memory_clear(&folder);
    kit_start(&kit, &folder, "file.path=x");
    kit_run(&kit, 10);
    remove_side();
    str before = memory_content(&folder, "t-1.csv");
    assert_true(kit_open(&kit));
    const struct lane lane = lane_at(1, 5);
    check_fault("orphan", kit.sink->type->desk->amend(kit.sink, &lane, 1, &kit.fault), &kit.fault,
                FAULT_CONFIG, "has no side file");
    check_number("its length", (int64_t)memory_content(&folder, "t-1.csv").len,
                 (int64_t)before.len);
    kit_stop(&kit);
}

struct said {
    char text[600];
};

static void hear(void *context, enum finding_level level, const char *text)
{
    struct said *said = context;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof(said->text) - used, "%s %s\n", finding_level_name(level),
             text);
}

static void check_findings(enum folder_kind kind, bool away, bool read_only, const char *options,
                           const char *want)
{
    struct kit kit;
    struct said said = {""};
    struct findings findings = {.say = hear, .context = &said};
    static const struct batch batch;
    memory_clear(&folder);
    folder.kind = kind;
    folder.away = away;
    folder.read_only = read_only;
    kit_start(&kit, &folder, options);
    assert_true(kit_open(&kit));
    kit.sink->type->desk->check(kit.sink, &batch, &findings);
    assert_int_equal(folder.step, 0); /* changes nothing */
    if (!strstr(said.text, want))
        fail_msg("%s, and not %s", said.text, want);
    kit_stop(&kit);
}

static void test_check(void **state)
{
    (void)state;
    check_findings(FOLDER_LOCAL, false, false, "file.path=x", "ok target: directory memory, csv\n");
    check_findings(FOLDER_LOCAL, true, false, "file.path=x", "fail target: cannot open memory");
    check_findings(FOLDER_LOCAL, false, true, "file.path=x", "mount it for writing");
    check_findings(FOLDER_SHARED, false, false, "file.path=x", "fail target: memory lies on");
    check_findings(FOLDER_SHARED, false, false, "file.path=x;file.shared=true",
                   "warn target: memory lies on a network");
    check_findings(FOLDER_VOLATILE, false, false, "file.path=x",
                   "warn target: memory lies in memory");
}

static int free_folder(void **state)
{
    (void)state;
    memory_free(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_rows_of),
        cmocka_unit_test(test_roll_bytes),  cmocka_unit_test(test_roll_time),
        cmocka_unit_test(test_other_form),  cmocka_unit_test(test_messages),
        cmocka_unit_test(test_nothing_yet), cmocka_unit_test(test_compression_setting),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_options),
        cmocka_unit_test(test_two_owners),  cmocka_unit_test(test_asked_back_in_a_claim),
        cmocka_unit_test(test_starts),      cmocka_unit_test(test_meddling),
        cmocka_unit_test(test_fenced),      cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_desk),        cmocka_unit_test(test_desk_leaves_orphans),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, free_folder);
}
