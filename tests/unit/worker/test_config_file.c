/*
 * Configurations in Kafka Connect's shapes.
 */
#include "temp.h"

#include "config_file.h"

/* "key=value|" of all entries, in their order. */
static void check_entries(const char *what, const struct config *config, const char *want)
{
    struct buf got;
    buf_init(&got, 10000);
    for (size_t i = 0; i < config->count; i++) {
        buf_str(&got, config->entry[i].key);
        buf_char(&got, '=');
        buf_str(&got, config->entry[i].value);
        buf_char(&got, '|');
    }
    check_text(what, buf_view(&got), want);
    buf_release(&got);
}

typedef bool config_reader(struct config *config, str text, str origin, struct fault *fault);

static void check_read(config_reader *reader, const char *text, const char *want)
{
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    config_init(&config, &arena);
    check_good(text, reader(&config, str_from(text), STR("c.json"), &fault), &fault);
    check_entries(text, &config, want);
    arena_release(&arena);
}

static void check_refused(const char *text, const char *part)
{
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    config_init(&config, &arena);
    check_fault(text, config_json_read(&config, str_from(text), STR("c.json"), &fault), &fault,
                FAULT_CONFIG, part);
    arena_release(&arena);
}

static void test_json(void **state)
{
    (void)state;
    check_read(config_json_read, "{\"a\":\"1\",\"b\":2,\"c\":true,\"d\":1.50,\"e\":null}",
               "a=1|b=2|c=true|d=1.50|");
    check_read(config_json_read, "{\"name\":\"n\",\"config\":{\"a\":\"\\u0061\"}}", "name=n|a=a|");
    check_read(config_json_read, "{\"config\":{\"a\":\"x\"},\"name\":\"n\"}", "name=n|a=x|");
    check_read(config_json_read, "{\"name\":\"n\",\"config\":{\"name\":\"m\"}}", "name=m|");
    check_read(config_json_read, "{\"config\":\"x\"}", "config=x|");
    check_read(config_json_read, "{\"a\":\"1\",\"a\":\"2\"}", "a=2|");
    check_read(config_json_read, "{}", "");
    check_refused("", "c.json: not JSON");
    check_refused("{\"a\":1", "c.json: not JSON");
    check_refused("[]", "c.json: expected a JSON object");
    check_refused("{\"a\":[]}", "c.json: the value of a must be a text");
    check_refused("{\"config\":{\"a\":{}}}", "c.json: the value of a must be a text");
}

static void test_properties(void **state)
{
    (void)state;
    check_read(config_properties_read, "a=1\nb: 2\nc 3\nd=\ne\n", "a=1|b=2|c=3|d=|e=|");
    check_read(config_properties_read, "# a=1\n ! b=2\n\n\t c = 3 \r\n", "c=3|");
    check_read(config_properties_read, "a=x=y:z w", "a=x=y:z w|");
    check_read(config_properties_read, "a=1\\\n   2\\\n3\nb=4", "a=123|b=4|");
    check_read(config_properties_read, "a=x\\\\\nb=2", "a=x\\|b=2|");
    check_read(config_properties_read, "a=\\t\\n\\\\\\=\\:", "a=\t\n\\=:|");
    check_read(config_properties_read, "a\\ b\\=c=1", "a b=c=1|");
    check_read(config_properties_read, "a=1\\\n#2", "a=1#2|");
    check_read(config_properties_read, "a=1\na=2", "a=2|");
    check_read(config_properties_read, "a=1\\", "a=1|");
    check_read(config_properties_read, "", "");
}

static void test_file(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct temp file;
    struct fault fault = {0};
    char name[100];
    arena_init(&arena, TEST_BYTES);
    config_init(&config, &arena);
    temp_make(&file, STR("{\"a\":\"x\"}"));
    check_good("JSON", config_file_read(&config, file.name, &fault), &fault);
    check_text("origin", config_find(&config, STR("a"))->origin, file.name);
    temp_remove(&file);
    temp_make(&file, STR("a = y\nb = z\n"));
    check_good("properties", config_file_read(&config, file.name, &fault), &fault);
    check_number("entries", (int64_t)config.count, 2);
    snprintf(name, sizeof(name), "%s.gone", file.name);
    temp_remove(&file);
    check_fault("missing", config_file_read(&config, name, &fault), &fault, FAULT_CONFIG,
                "No such file");
    check_fault("directory", config_file_read(&config, "/tmp", &fault), &fault, FAULT_CONFIG,
                "cannot read /tmp");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
