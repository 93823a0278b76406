/*
 * What statuses of HTTP mean, by a table written by hand from RFC 9110.
 */
#include "check.h"

#include "http_status.h"

struct status_case {
    int status;
    enum fault_kind kind;
    bool known;
};

static const struct status_case cases[] = {
    {200, FAULT_NONE, true},   {204, FAULT_NONE, true},     {299, FAULT_NONE, true},
    {199, FAULT_RETRY, false}, {300, FAULT_RETRY, false},   {301, FAULT_CONFIG, true},
    {308, FAULT_CONFIG, true}, {400, FAULT_RECORD, true},   {401, FAULT_CONFIG, true},
    {403, FAULT_CONFIG, true}, {404, FAULT_CONFIG, true},   {405, FAULT_CONFIG, true},
    {408, FAULT_RETRY, true},  {413, FAULT_RECORD, true},   {418, FAULT_RETRY, false},
    {422, FAULT_RECORD, true}, {429, FAULT_RETRY, true},    {500, FAULT_RETRY, false},
    {501, FAULT_CONFIG, true}, {502, FAULT_RETRY, true},    {503, FAULT_RETRY, true},
    {504, FAULT_RETRY, true},  {507, FAULT_RETRY, true},    {0, FAULT_RETRY, false},
    {-1, FAULT_RETRY, false},  {100000, FAULT_RETRY, false}};

static void test_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char what[30];
        snprintf(what, sizeof(what), "status %d", cases[i].status);
        check_number(what, http_status_kind(cases[i].status), cases[i].kind);
        check_number(what, http_status_is_known(cases[i].status), cases[i].known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
