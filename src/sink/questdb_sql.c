/*
 * Statements to QuestDB, and what it answers.
 */
#include "http_status.h"
#include "questdb_table.h"

struct json *questdb_answer(struct questdb *self)
{
    struct json *root;
    struct fault ignored;
    struct json_memory memory = {&self->scratch, &self->scratch};
    arena_reset(&self->scratch);
    if (self->http.answer.len == 0)
        return NULL;
    return json_parse(buf_view(&self->http.answer), JSON_UNKEPT_LIMIT, memory, &root, &ignored)
               ? root
               : NULL;
}

bool questdb_refuse(struct questdb *self, long status, str text, struct fault *fault)
{
    const char *address = self->http.address;
    text = str_whole(str_head(text, 300));
    if (status == 401 || status == 403)
        return fault_set(fault, FAULT_CONFIG,
                         "questdb at %s answers %ld: connection.token, connection.user or "
                         "connection.password is missing, wrong or without the right",
                         address, status);
    bool config = http_status_kind((int)status) == FAULT_CONFIG;
    return fault_set(fault, config ? FAULT_CONFIG : FAULT_RETRY, "questdb at %s answers %ld%s%.*s",
                     address, status, text.len ? ": " : "", STR_ARG(text));
}

bool questdb_run(struct questdb *self, struct json **rows, struct fault *fault)
{
    long status = 0;
    *rows = NULL;
    buf_clear(&self->path);
    buf_str(&self->path, STR("/exec?query="));
    http_escape(&self->path, buf_view(&self->sql));
    if (self->sql.failed || self->path.failed)
        return fault_memory(fault, "a query");
    if (!http_begin(&self->http, buf_view(&self->path), STR_EMPTY, fault)
        || !http_end(&self->http, &status, fault))
        return false;
    struct json *answer = questdb_answer(self);
    *rows = json_member(answer, "dataset");
    if (status == 200 && answer)
        return true;
    return questdb_refuse(self, status, json_string(json_member(answer, "error")), fault);
}

static struct json *cell(struct json *row, size_t nth)
{
    struct json *at = row->child;
    while (at && nth-- > 0)
        at = at->next;
    return at;
}

str questdb_text(struct json *row, size_t nth)
{
    return json_string(cell(row, nth));
}

bool questdb_is_true(struct json *row, size_t nth)
{
    struct json *at = cell(row, nth);
    return at && at->kind == JSON_BOOL && str_is(at->text, "true");
}

int64_t questdb_number(struct json *row, size_t nth)
{
    int64_t number;
    return json_int64(cell(row, nth), &number) ? number : -1;
}
