/*
 * What a person is told once of a table: that old values were not sent, and what to do; and which
 * columns of the configuration it does not have.
 */
#include "plan.h"

#define NOTICE_LIMIT ((size_t)256 * 1024)

static void put_table(struct buf *text, const struct plan *plan)
{
    if (plan->source_table.len > 0)
        buf_format(text, "table %.*s", STR_ARG(plan->source_table));
    else
        buf_str(text, STR("a table without a name"));
}

static void put_remedy(struct buf *text, const struct plan *plan, const struct change *change)
{
    bool named = plan->source_table.len > 0;
    bool automatic = plan->identity.kind == IDENTITY_AUTO && change->proof == PROOF_NONE;
    if (change->remedy) {
        buf_str(text, str_from(change->remedy));
        return;
    }
    buf_str(text, STR("in the source database run ALTER TABLE "));
    buf_str(text, named ? plan->source_table : STR("..."));
    buf_str(text, STR(" REPLICA IDENTITY FULL"));
    if (automatic)
        buf_str(text, STR(", and say so with --identity full (replica.identity=full)"));
}

void warn_unknown(struct pivot *pivot, struct plan *plan, const struct change *change)
{
    struct buf text;
    if (plan->warned_unknown)
        return;
    plan->warned_unknown = true;
    bool judged = plan->identity.kind == IDENTITY_AUTO && change->proof == PROOF_NONE
                  && change->has_before;
    buf_init(&text, NOTICE_LIMIT);
    put_table(&text, plan);
    buf_format(&text, ": %s, so old_known is false for them; ",
               judged ? "its events do not prove their old values"
                      : "the source did not send all old values");
    put_remedy(&text, plan, change);
    buf_char(&text, '\0');
    if (!text.failed)
        pivot->warn(pivot->warn_context, text.ptr);
    buf_release(&text);
}

static void put_names(struct buf *text, const struct change *change)
{
    struct field_list columns = change_columns(change);
    buf_str(text, STR("; it has"));
    for (size_t i = 0; i < columns.count; i++)
        buf_format(text, "%s %.*s", i ? "," : "", STR_ARG(columns.item[i].name));
    buf_char(text, '\0');
}

static bool has_column(const struct change *change, str name)
{
    struct field_list columns = change_columns(change);
    for (size_t i = 0; i < columns.count; i++)
        if (str_eq(columns.item[i].name, name))
            return true;
    for (size_t i = 0; i < change->key_count; i++)
        if (str_eq(change->key[i].name, name))
            return true;
    return false;
}

/* wal2json leaves out what was not touched, and of old rows what is NULL. */
static bool tells_all_columns(const struct change *change)
{
    return change_columns(change).count > 0
           && (change->proof != PROOF_SENT || change->op == CHANGE_CREATE);
}

/* A misspelt mask hides nothing, so that must be said. */
void warn_missing(struct pivot *pivot, struct plan *plan, const struct change *change)
{
    struct buf text;
    size_t missing = 0;
    if (!tells_all_columns(change))
        return;
    plan->warned_missing = true;
    buf_init(&text, NOTICE_LIMIT);
    put_table(&text, plan);
    buf_str(&text, STR(" has no"));
    for (size_t i = 0; i < plan->fields.count; i++)
        if (!str_is(plan->fields.item[i], "*") && !has_column(change, plan->fields.item[i]))
            buf_format(&text, "%s field %.*s", missing++ ? "," : "", STR_ARG(plan->fields.item[i]));
    for (size_t i = 0; i < plan->masks.count; i++)
        if (!has_column(change, plan->masks.item[i].column))
            buf_format(&text, "%s column %.*s to mask", missing++ ? "," : "",
                       STR_ARG(plan->masks.item[i].column));
    for (size_t i = 0; i < plan->ignore.count; i++)
        if (!has_column(change, plan->ignore.item[i]))
            buf_format(&text, "%s column %.*s to ignore", missing++ ? "," : "",
                       STR_ARG(plan->ignore.item[i]));
    put_names(&text, change);
    if (missing > 0 && !text.failed)
        pivot->warn(pivot->warn_context, text.ptr);
    buf_release(&text);
}
