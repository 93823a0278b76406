/*
 * The QuestDB sink. A full request goes out while decoding goes on; one is under way at a time.
 */
#include "questdb.h"

#include "http_status.h"
#include "mem.h"
#include "questdb_table.h"

/* Of a table's lines so many bytes are one request. Small ones cost the server most: a sender of
   ready-made lines gets rid of 0.25 million rows/s by 64 KiB, 0.37 by 256 KiB, up to 0.5 by 1 or
   2 MiB and 0.57 by 16 MiB (tests/bench/questdb --sizes, on one machine of two cores). At either
   end of a flush one of the two waits for a whole request of the other, the longer the larger. */
#define REQUEST_SIZE ((size_t)2 * 1024 * 1024)
/* So often the request under way may go on while rows gather. */
#define STEP_SIZE ((size_t)64 * 1024)

#define SQL_LIMIT ((size_t)1024 * 1024)
#define ARENA_LIMIT ((size_t)16 * 1024 * 1024)
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* ---- options ---- */

#define SETTING(member) offsetof(struct questdb, member)

static const struct option_spec option[] = {
    {.key = "connection.uri",
     .type = OPTION_STRING,
     .preset = "http://127.0.0.1:9000",
     .offset = SETTING(connection.uri),
     .argument = "URI",
     .help = "QuestDB's HTTP port: http[s]://[user:password@]host[:port]."},
    {.key = "connection.token",
     .type = OPTION_STRING,
     .offset = SETTING(connection.token),
     .importance = OPTION_MEDIUM,
     .help = "A bearer token; better as ${env:NAME} or ${file:/path:key} than as it is."},
    {.key = "connection.user",
     .type = OPTION_STRING,
     .offset = SETTING(connection.user),
     .importance = OPTION_MEDIUM,
     .help = "A user, where there is none in the URI, and no token."},
    {.key = "connection.password",
     .type = OPTION_STRING,
     .offset = SETTING(connection.password),
     .importance = OPTION_MEDIUM,
     .help = "That user's password."},
    {.key = "connection.ca.file",
     .type = OPTION_STRING,
     .offset = SETTING(connection.ca_file),
     .importance = OPTION_LOW,
     .argument = "FILE",
     .help = "Certificates (PEM) of the authorities to trust, in place of the system's."},
    {.key = "connection.gzip",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(connection.gzip),
     .importance = OPTION_LOW,
     .help = "Sends rows compressed: a ninth of the bytes, for nearly twice the worker's time of "
             "the processor. Slower on one machine; worth it where the network carries less than "
             "some 90 MB/s."},
    {.key = "table",
     .type = OPTION_STRING,
     .preset = "holding_pivot",
     .offset = SETTING(pattern),
     .argument = "TABLE",
     .help = "The table rows go to. ${table}, ${schema} and ${topic} stand for those of the event. "
             "What QuestDB forbids in names becomes _."},
    {.key = "table.create",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(create),
     .help = "Makes the tables where they are missing."},
    {.key = "message.table",
     .type = OPTION_STRING,
     .preset = "fieldtrail_message",
     .offset = SETTING(message_table),
     .importance = OPTION_MEDIUM,
     .argument = "TABLE",
     .help = "The table that logical messages go to (pg_logical_emit_message: who, and why), as "
             "safely as rows. Empty: they are left out."},
    {.key = "questdb.numbers",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(numbers),
     .importance = OPTION_MEDIUM,
     .help =
         "Adds the columns old_number and new_number (DOUBLE): the values that are numbers, for "
         "functions of time series."},
};

const struct option_table questdb_options = {
    .title = "QuestDBSink", .option = option, .count = sizeof(option) / sizeof(option[0])};

/* ---- lines ---- */

static void clear_lines(struct lines *lines)
{
    buf_clear(&lines->text);
    blame_clear(&lines->blame);
}

static void release_lines(struct lines *lines)
{
    buf_release(&lines->text);
    blame_release(&lines->blame);
}

/* ---- requests ---- */

/* Everything since the last true flush is forgotten, and what is known of tables; the next request
   opens a new connection, for a kept one may belong to a table that is gone. */
static void forget(struct questdb *self)
{
    http_close(&self->http);
    clear_lines(&self->sending);
    self->sent_to = NULL;
    self->begun = false;
    self->refusal = (struct fault){0};
    self->sink.pending_bytes = 0;
    for (struct questdb_table *table = self->table; table; table = table->next) {
        clear_lines(&table->lines);
        table->ready = table->written = false;
    }
}

static bool fail(struct questdb *self)
{
    forget(self);
    return false;
}

/* "errors encountered on line(s):\nerror in line 7: …": the part that says something. */
static str reason_of(str message)
{
    ptrdiff_t at = str_find(message, STR("error in line"));
    message = at < 0 ? message : str_from_at(message, (size_t)at);
    ptrdiff_t end = str_find(message, STR("\n"));
    return end < 0 ? message : str_head(message, (size_t)end);
}

/* A line was refused, and with it the whole request. The next flush tells, for a put must not take
   the blame of another one. */
static bool note_refusal(struct questdb *self, long status, struct fault *fault)
{
    struct json *answer = questdb_answer(self);
    str message = json_string(json_member(answer, "message"));
    int64_t line = 0;
    bool numbered = json_int64(json_member(answer, "line"), &line) && line > 0;
    /* A 400 without a line is about the request. */
    if (http_status_kind((int)status) != FAULT_RECORD || (status == 400 && !numbered))
        return questdb_refuse(self, status, message.len ? message : buf_view(&self->http.answer),
                              fault);
    self->blames = blame_find(&self->sending.blame, line, &self->blamed);
    message = str_whole(str_head(reason_of(message), 300));
    fault_set(&self->refusal, FAULT_RECORD, "table %.*s refuses a row: %.*s",
              STR_ARG(self->sent_to->name),
              STR_ARG(message.len ? message : STR("it is too large")));
    return true;
}

/* Waits for the request under way. True: it was taken, or its refusal is noted. */
static bool settle(struct questdb *self, struct fault *fault)
{
    long status;
    if (!self->sent_to)
        return true;
    if (!http_end(&self->http, &status, fault))
        return false;
    if ((status < 200 || status > 299) && !note_refusal(self, status, fault))
        return false;
    self->sent_to = NULL;
    clear_lines(&self->sending);
    return true;
}

/* Sends what a table has gathered. Before the first request of a flush its tables are looked at:
   QuestDB would make a missing one by its own taste. */
static bool send_lines(struct questdb *self, struct questdb_table *table, struct fault *fault)
{
    if (!settle(self, fault))
        return false;
    if (self->refusal.kind != FAULT_NONE || table->lines.text.len == 0) {
        clear_lines(&table->lines);
        return true;
    }
    if (!self->begun && !questdb_check_tables(self, fault))
        return false;
    struct lines lines = table->lines;
    table->lines = self->sending;
    self->sending = lines;
    self->sent_to = table;
    self->begun = table->written = true;
    return http_begin(&self->http, STR("/write?precision=u"), buf_view(&self->sending.text), fault);
}

/* ---- the sink ---- */

static bool questdb_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                          size_t count, struct fault *fault)
{
    forget((struct questdb *)sink);
    return sink_recall_nothing(sink, lane, memory, count, fault);
}

/* The rows of the change go to this table, which is ready for them. */
static struct questdb_table *touch_table(struct questdb *self, const struct change *change,
                                         struct fault *fault)
{
    struct questdb_table *table = questdb_table_of(self, change, fault);
    if (!table || (!table->ready && !(settle(self, fault) && questdb_prepare(self, table, fault))))
        return NULL;
    if (table->row_count > 0)
        return table;
    table->start = table->lines.text.len;
    table->also = self->touched;
    self->touched = table;
    return table;
}

/* Forgets which tables the record has rows for, and with `cut` the rows, too. */
static void let_go(struct questdb *self, bool cut)
{
    for (struct questdb_table *table = self->touched; table; table = table->also) {
        if (cut)
            buf_cut(&table->lines.text, table->start);
        table->row_count = 0;
    }
    self->touched = NULL;
}

/* The rows of a record may be of several tables. */
static bool encode_rows(struct questdb *self, const struct batch *batch, const struct row *row,
                        size_t count, struct fault *fault)
{
    struct questdb_table *table = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!table || row[i].change != row[i - 1].change)
            table = touch_table(self, row[i].change, fault);
        if (!table)
            return false;
        table->row_count++;
        if (!ilp_row(&table->ilp, &row[i], batch, &table->lines.text, fault))
            return false;
    }
    return true;
}

/* A full request of the table goes out; a smaller one waits. */
static bool move_lines(struct questdb *self, struct questdb_table *table, struct fault *fault)
{
    size_t start = table->start, end = table->lines.text.len;
    if (end >= REQUEST_SIZE)
        return send_lines(self, table, fault);
    if (start / STEP_SIZE != end / STEP_SIZE)
        http_step(&self->http);
    return true;
}

static bool questdb_put(struct sink *sink, const struct batch *batch, const struct row *row,
                        size_t count, struct fault *fault)
{
    struct questdb *self = (struct questdb *)sink;
    if (!encode_rows(self, batch, row, count, fault)) {
        let_go(self, true);
        return fault->kind == FAULT_RECORD ? false : fail(self);
    }
    for (struct questdb_table *table = self->touched; table; table = table->also) {
        blame_add(&table->lines.blame, row->change->record->at, table->row_count);
        sink->pending_bytes += table->lines.text.len - table->start;
    }
    bool good = true;
    for (struct questdb_table *table = self->touched; good && table; table = table->also)
        good = move_lines(self, table, fault);
    let_go(self, false);
    return good || fail(self);
}

static bool send_all(struct questdb *self, struct fault *fault)
{
    for (struct questdb_table *table = self->table; table; table = table->next)
        if (table->lines.text.len > 0 && !send_lines(self, table, fault))
            return false;
    return settle(self, fault)
           && ((!self->begun && self->refusal.kind == FAULT_NONE)
               || questdb_check_tables(self, fault));
}

/* Nothing was refused where the table was not the one it should be: the lines were made for
   another. */
static bool tell_refusal(struct questdb *self, struct fault *fault)
{
    *fault = self->refusal;
    self->sink.blames = self->blames;
    self->sink.blamed = self->blamed;
    return fail(self);
}

static bool questdb_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                          size_t count, struct fault *fault)
{
    struct questdb *self = (struct questdb *)sink;
    (void)lane;
    (void)reach;
    (void)count;
    if (!send_all(self, fault))
        return fail(self);
    if (self->refusal.kind != FAULT_NONE)
        return tell_refusal(self, fault);
    for (struct questdb_table *table = self->table; table; table = table->next) {
        table->written = false;
        /* Many tables would keep too much between them. */
        if (self->table_count > 1)
            release_lines(&table->lines);
    }
    self->begun = false;
    sink->pending_bytes = 0;
    return true;
}

static void questdb_stop(struct sink *sink)
{
    struct questdb *self = (struct questdb *)sink;
    for (struct questdb_table *table = self->table; table; table = table->next) {
        release_lines(&table->lines);
        arena_release(&table->arena);
    }
    http_release(&self->http);
    release_lines(&self->sending);
    buf_release(&self->sql);
    buf_release(&self->path);
    arena_release(&self->scratch);
    arena_release(&self->arena);
    mem_free(self);
}

/* Where a connector stands, its group alone knows. */
static const struct sink_desk desk = {
    .inspect = sink_inspect_nothing, .amend = sink_amend_nothing, .check = questdb_check};

static const struct sink_type questdb_sink = {
    .name = "questdb",
    .remembers = false,
    .desk = &desk,
    .recall = sink_recall_nothing,
    .claim = questdb_claim,
    .put = questdb_put,
    .flush = questdb_flush,
    .stop = questdb_stop,
};

struct sink *questdb_new(const struct config *config, const struct layout *layout,
                         struct fault *fault)
{
    struct questdb *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the QuestDB sink");
        return NULL;
    }
    *self = (struct questdb){
        .sink = {.type = &questdb_sink}, .layout = layout, .http.epoll = -1, .http.timer = -1};
    buf_init(&self->sql, SQL_LIMIT);
    buf_init(&self->path, SQL_LIMIT);
    buf_init(&self->sending.text, (size_t)1024 * 1024 * 1024);
    arena_init(&self->arena, ARENA_LIMIT);
    arena_init(&self->scratch, SCRATCH_LIMIT);
    if (option_load(&questdb_options, config, self, fault)
        && http_init(&self->http, &self->sink, self->connection, fault)) {
        self->sink.takes_messages = self->message_table.len > 0;
        return &self->sink;
    }
    questdb_stop(&self->sink);
    return NULL;
}
