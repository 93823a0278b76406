/*
 * The map against a table kept by hand, and its limits.
 */
#include "check.h"
#include "cluster_map.h"

static struct cluster_map map;

static void set(const char *key, const char *value, int64_t offset)
{
    struct fault fault;
    struct cluster_entry entry = {str_from(key), str_from(value), offset, false};
    check_good(key, cluster_map_set(&map, &entry, &fault), &fault);
}

static void check_all(const char *want)
{
    char got[1000] = "";
    size_t used = 0, bytes = 0;
    for (size_t i = 0; i < map.count; i++) {
        const struct cluster_entry *entry = &map.entry[i];
        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%.*s=%.*s@%lld", i ? " " : "",
                                 STR_ARG(entry->key), STR_ARG(entry->value),
                                 (long long)entry->offset);
        bytes += entry->key.len + entry->value.len;
    }
    check_text("map", str_from(got), want);
    check_number("bytes", (int64_t)map.bytes, (int64_t)bytes);
}

static void test_the_newest_value_of_each_key_in_order(void **state)
{
    (void)state;
    set("b", "1", 0);
    set("a", "2", 1);
    set("ab", "3", 2);
    set("b", "", 3);
    set("c", "4", 4);
    check_all("a=2@1 ab=3@2 b=@3 c=4@4");
    cluster_map_drop(&map, STR("ab"));
    cluster_map_drop(&map, STR("x"));
    check_all("a=2@1 b=@3 c=4@4");
    assert_null(cluster_map_find(&map, STR("ab")));
    check_number("b", cluster_map_find(&map, STR("b"))->offset, 3);
    cluster_map_release(&map);
    check_all("");
}

static void test_a_prefix_is_found(void **state)
{
    (void)state;
    set("connector-a", "", 0);
    set("connector-b", "", 0);
    set("target-state-a", "", 0);
    set("a", "", 0);
    check_number("connectors", (int64_t)cluster_map_from(&map, STR("connector-")), 1);
    check_number("states", (int64_t)cluster_map_from(&map, STR("target-state-")), 3);
    check_number("nothing", (int64_t)cluster_map_from(&map, STR("z")), 4);
    cluster_map_release(&map);
}

static void test_there_is_an_end_to_keys(void **state)
{
    struct fault fault;
    char key[32];
    (void)state;
    for (int i = 0; i < CLUSTER_MAP_LIMIT; i++) {
        snprintf(key, sizeof(key), "%08d", i);
        set(key, "", i);
    }
    struct cluster_entry entry = {STR("new"), STR("v"), 0, false};
    check_fault("full", cluster_map_set(&map, &entry, &fault), &fault, FAULT_RECORD, "no room");
    set("00000007", "again", 1);
    cluster_map_drop(&map, STR("00000009"));
    set("new", "v", 1);
    cluster_map_release(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_value_of_each_key_in_order),
        cmocka_unit_test(test_a_prefix_is_found),
        cmocka_unit_test(test_there_is_an_end_to_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
