/*
 * The table of SQLSTATEs. Classes and codes: PostgreSQL documentation, appendix A.
 */
#include "sqlstate.h"

struct state {
    const char *prefix; /* of the SQLSTATE; the longest that fits counts */
    enum fault_kind kind;
};

static const struct state states[] = {
    {"22", FAULT_RECORD},    /* data exception: a value the column's type cannot hold */
    {"23", FAULT_RECORD},    /* integrity constraint: this row, or another one like it, breaks it */
    {"44", FAULT_RECORD},    /* with check option of a view */
    {"P0", FAULT_RECORD},    /* a trigger raised it */
    {"21", FAULT_RECORD},    /* cardinality, inside a trigger */
    {"54000", FAULT_RECORD}, /* a row or value above the server's limits */
    {"25006", FAULT_RETRY},  /* read-only transaction: a standby, soon promoted or left */
    {"28", FAULT_CONFIG},    /* password, pg_hba.conf */
    {"3D", FAULT_CONFIG},    /* no such database */
    {"3F", FAULT_CONFIG},    /* no such schema */
    {"42", FAULT_CONFIG},    /* no such table or column, missing right */
    {"0A", FAULT_CONFIG},    /* COPY into a view, and the like */
    {"0LP01", FAULT_CONFIG},
};

enum fault_kind sqlstate_kind(const char *sqlstate, bool constraint)
{
    enum fault_kind kind = FAULT_RETRY;
    size_t longest = 0;
    if (strcmp(sqlstate, "23514") == 0 && !constraint)
        return FAULT_RETRY;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        str prefix = str_from(states[i].prefix);
        if (prefix.len > longest && str_starts(str_from(sqlstate), prefix)) {
            longest = prefix.len;
            kind = states[i].kind;
        }
    }
    return kind;
}
