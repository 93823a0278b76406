/*
 * Whether QuestDB could take the rows: what the server says of itself and of the tables, and a
 * request without a row, which asks for the right to write. It changes nothing.
 */
#include "http_status.h"
#include "questdb_table.h"
#include "table_name.h"

/* ---- the server ---- */

/* Settings that the server does not show to this user, or does not have, say nothing. */
static void check_settings(struct questdb *self, struct findings *findings)
{
    struct json *rows;
    struct fault fault = {0};
    str mode = STR("not told");
    buf_clear(&self->sql);
    buf_str(&self->sql,
            STR("SELECT value FROM (SHOW PARAMETERS) WHERE property_path = 'cairo.commit.mode'"));
    if (questdb_run(self, &rows, &fault) && rows && rows->child)
        mode = questdb_text(rows->child, 0);
    if (str_is(mode, "sync"))
        findings_add(findings, FINDING_OK, "target: cairo.commit.mode=sync");
    else
        findings_add(findings, FINDING_WARN,
                     "target: cairo.commit.mode is %.*s: rows outlive a crash of QuestDB, but a "
                     "power cut loses the last ones, which Kafka's group has passed by then; set "
                     "cairo.commit.mode=sync in server.conf",
                     STR_ARG(mode));
}

static bool check_server(struct questdb *self, struct findings *findings)
{
    struct json *rows;
    struct fault fault = {0};
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("SELECT build()"));
    if (!questdb_run(self, &rows, &fault)) {
        findings_add(findings, FINDING_FAIL, "target: %s%s", fault.text,
                     fault.kind == FAULT_CONFIG
                         ? ""
                         : "; connection.uri says which server, and its HTTP port");
        return false;
    }
    str build = rows && rows->child ? questdb_text(rows->child, 0) : STR_EMPTY;
    ptrdiff_t at = str_find(build, STR("QuestDB"));
    if (at < 0) {
        findings_add(findings, FINDING_FAIL,
                     "target: what answers at %s is no QuestDB; connection.uri says which server",
                     self->http.address);
        return false;
    }
    build = str_from_at(build, (size_t)at);
    ptrdiff_t end = str_find(build, STR(","));
    findings_add(findings, FINDING_OK, "target: %.*s at %s",
                 STR_ARG(end < 0 ? build : str_head(build, (size_t)end)), self->http.address);
    return true;
}

/* A line without a row is taken like any other, and by the same rights. */
static void check_rights(struct questdb *self, struct findings *findings)
{
    struct fault fault = {0};
    long status = 0;
    if (!http_begin(&self->http, STR("/write?precision=u"), STR("\n"), &fault)
        || !http_end(&self->http, &status, &fault)) {
        findings_add(findings, FINDING_FAIL, "target: %s", fault.text);
        return;
    }
    if (http_status_kind((int)status) == FAULT_NONE) {
        findings_add(findings, FINDING_OK, "target: rows may be written");
        return;
    }
    str message = json_string(json_member(questdb_answer(self), "message"));
    questdb_refuse(self, status, message.len ? message : buf_view(&self->http.answer), &fault);
    const char *remedy = "";
    if (status == 405 || status == 404)
        remedy = "; its lines over HTTP are off: set line.http.enabled=true in server.conf";
    else if (status == 421)
        remedy = "; it is read-only (readonly or http.security.readonly in server.conf), or a "
                 "replica: name the primary in connection.uri";
    findings_add(findings, FINDING_FAIL, "target: %s%s", fault.text, remedy);
}

/* ---- tables, and the last events' rows ---- */

/* Looks at the table that the change goes to, once. */
static bool check_table_of(struct questdb *self, const struct change *change,
                           struct findings *findings)
{
    struct fault fault = {0};
    size_t known = self->table_count;
    struct questdb_table *table = questdb_table_of(self, change, &fault);
    if (!table)
        findings_add(findings, FINDING_FAIL, "target: %s", fault.text);
    else if (self->table_count > known)
        table->ready = questdb_look(self, table, findings);
    return table != NULL;
}

/* The tables that rows of the sample go to, and the one of all changes where there is one. */
static void check_tables(struct questdb *self, const struct batch *sample,
                         struct findings *findings)
{
    const struct change none = {0};
    bool named = table_name_is_fixed(self->pattern);
    if (named && !check_table_of(self, &none, findings))
        return;
    for (size_t i = 0; i < sample->row_count; i++) {
        const struct change *change = sample->row[i].change;
        if (!check_table_of(self, change, findings))
            return;
        named = named || change->op != CHANGE_MESSAGE;
    }
    if (!named)
        findings_add(findings, FINDING_WARN,
                     "target: table=%.*s: no event says yet which tables that are",
                     STR_ARG(self->pattern));
}

/* QuestDB cannot take rows back: they are made, and not sent. */
static void try_rows(struct questdb *self, const struct batch *sample, struct findings *findings)
{
    struct fault fault = {0};
    size_t count = 0;
    for (size_t i = 0; i < sample->row_count; i++) {
        struct questdb_table *table = questdb_table_of(self, sample->row[i].change, &fault);
        if (!table || !table->ready)
            continue;
        buf_clear(&self->sending.text);
        if (!ilp_row(&table->ilp, &sample->row[i], sample, &self->sending.text, &fault)) {
            findings_add(findings, FINDING_FAIL,
                         "target: a row of the topics' last events cannot be written: %s",
                         fault.text);
            break;
        }
        count++;
    }
    buf_clear(&self->sending.text);
    if (count > 0 && fault.kind == FAULT_NONE)
        findings_add(findings, FINDING_OK,
                     "target: %zu rows of the topics' last events were made, and not sent", count);
}

void questdb_check(struct sink *sink, const struct batch *sample, struct findings *findings)
{
    struct questdb *self = (struct questdb *)sink;
    if (!check_server(self, findings))
        return;
    check_settings(self, findings);
    check_rights(self, findings);
    if (!self->layout->ready)
        findings_add(findings, FINDING_WARN,
                     "target: not all columns can be compared: there is no event yet that says the "
                     "keys; name them in pivot.keys, or check again later");
    check_tables(self, sample, findings);
    try_rows(self, sample, findings);
}
