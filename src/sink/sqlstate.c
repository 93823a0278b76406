/*
 * The table of SQLSTATEs. Classes and codes: PostgreSQL documentation, appendix A.
 */
#include "sqlstate.h"

struct state {
    const char *prefix; /* of the SQLSTATE; the longest that fits counts */
    enum fault_kind kind;
};

static const struct state states[] = {
    /* The record's: the same row is refused the same way for ever. */
    {"22", FAULT_RECORD},    /* data exception: a value the column's type cannot hold */
    {"23", FAULT_RECORD},    /* integrity constraint: this row, or another one like it, breaks it */
    {"44", FAULT_RECORD},    /* with check option of a view */
    {"P0", FAULT_RECORD},    /* a trigger raised it */
    {"21", FAULT_RECORD},    /* cardinality, inside a trigger */
    {"54000", FAULT_RECORD}, /* a row or value above the server's limits */
    /* A person's: nothing gets through until a role, a name or a table is mended. */
    {"28", FAULT_CONFIG}, /* password, pg_hba.conf */
    {"3D", FAULT_CONFIG}, /* no such database */
    {"3F", FAULT_CONFIG}, /* no such schema */
    {"42", FAULT_CONFIG}, /* no such table or column, missing right */
    {"0A", FAULT_CONFIG}, /* COPY into a view, and the like */
    {"0LP01", FAULT_CONFIG},
    /* The environment's: it passes, or an operator is busy with it. */
    {"00", FAULT_RETRY},
    {"08", FAULT_RETRY},    /* connection exception */
    {"25", FAULT_RETRY},    /* state of the transaction; 25006: a standby, soon promoted or left */
    {"40", FAULT_RETRY},    /* serialization failure, deadlock: somebody else was in the way */
    {"53", FAULT_RETRY},    /* disk full, out of memory, too many connections */
    {"54", FAULT_RETRY},    /* 54001, stack depth, and its kin: limits of the server's set-up */
    {"55", FAULT_RETRY},    /* not in the state needed; 55P03: a lock was not to be had */
    {"57", FAULT_RETRY},    /* cancelled, shutting down, starting up */
    {"58", FAULT_RETRY},    /* I/O errors outside the server */
    {"F0", FAULT_RETRY},    /* the server's own files */
    {"XX001", FAULT_RETRY}, /* corrupted data: a repair is due, and no record's fault */
    {"XX002", FAULT_RETRY}, /* corrupted index */
};

static const struct state *find_state(str sqlstate)
{
    const struct state *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        str prefix = str_from(states[i].prefix);
        if (prefix.len > longest && str_starts(sqlstate, prefix)) {
            longest = prefix.len;
            found = &states[i];
        }
    }
    return found;
}

enum fault_kind sqlstate_kind(const char *sqlstate, bool constraint)
{
    const struct state *state = find_state(str_from(sqlstate));
    if (strcmp(sqlstate, "23514") == 0 && !constraint)
        return FAULT_RETRY;
    return state ? state->kind : FAULT_RETRY;
}

bool sqlstate_is_known(const char *sqlstate)
{
    return sqlstate[0] == '\0' || find_state(str_from(sqlstate)) != NULL;
}
