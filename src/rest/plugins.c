/*
 * Classes of connectors, their options and the validation of configurations, from the option
 * tables.
 */
#include "entities.h"
#include "handlers.h"
#include "json.h"
#include "secret.h"
#include "validate.h"

void get_plugins(struct request *request, struct response *response)
{
    struct json_writer writer;
    size_t count;
    const struct sink_class *class = sink_classes(&count);
    (void)request;
    json_begin(&writer, &response->body);
    json_open_array(&writer);
    for (size_t i = 0; i < count; i++) {
        json_open_object(&writer);
        json_pair(&writer, "class", str_from(class[i].name));
        json_pair(&writer, "type", STR("sink"));
        json_pair(&writer, "version", STR(FIELDTRAIL_VERSION));
        json_close_object(&writer);
    }
    json_close_array(&writer);
    respond_json(response, &writer);
}

/* ---- definitions ---- */

static bool is_secret(const struct request *request, str key)
{
    str shown;
    return secret_hide(key, STR("x"), request->arena, &shown) && str_eq(shown, SECRET_HIDDEN);
}

/* Connect's names of types. */
static const char *type_of(const struct request *request, const struct option_spec *option)
{
    switch (option->type) {
    case OPTION_BOOL:
        return "BOOLEAN";
    case OPTION_INT:
        return option->max > INT32_MAX || option->min < INT32_MIN ? "LONG" : "INT";
    case OPTION_LIST:
        return "LIST";
    case OPTION_STRING:
    case OPTION_ENUM:
        break;
    }
    return is_secret(request, str_from(option->key)) ? "PASSWORD" : "STRING";
}

static bool is_required(const struct option_spec *option)
{
    return strcmp(option->key, "name") == 0 || strcmp(option->key, "connector.class") == 0;
}

/* Its place in its group, from 1 as Connect counts. */
static int64_t order_of(const struct option_table *table, const struct option_spec *option)
{
    return option - table->option + 1;
}

static void write_definition(struct json_writer *writer, const struct request *request,
                             const struct option_table *table, const struct option_spec *option,
                             str key)
{
    static const char *const importance[] = {"HIGH", "MEDIUM", "LOW"};
    json_open_object(writer);
    json_pair(writer, "name", key);
    json_pair(writer, "type", str_from(type_of(request, option)));
    json_key(writer, "required");
    json_bool(writer, is_required(option));
    json_key(writer, "default_value");
    if (option->preset)
        json_text(writer, str_from(option->preset));
    else
        json_null(writer);
    json_pair(writer, "importance", str_from(importance[option->importance]));
    json_pair(writer, "documentation", str_from(option->help));
    json_pair(writer, "group", str_from(table->title));
    json_pair(writer, "width", STR("MEDIUM"));
    json_pair(writer, "display_name", key);
    json_key(writer, "dependents");
    json_open_array(writer);
    json_close_array(writer);
    json_key(writer, "order");
    json_number(writer, order_of(table, option));
    json_close_object(writer);
}

/* The last part of a class's full name is its name here. */
static const struct sink_class *find_class(str name)
{
    size_t count;
    const struct sink_class *class = sink_classes(&count);
    for (size_t i = 0; i < count; i++)
        if (str_is(name, class[i].name))
            return &class[i];
    return NULL;
}

void get_plugin_config(struct request *request, struct response *response)
{
    const struct option_table *table[CONNECTOR_TABLES_LIMIT];
    const struct sink_class *class = find_class(request->parameter[0]);
    struct json_writer writer;
    if (!class) {
        respond_error(response, 404, "Unknown plugin %.*s.", STR_ARG(request->parameter[0]));
        return;
    }
    size_t count = connector_class_tables(class, table);
    json_begin(&writer, &response->body);
    json_open_array(&writer);
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < table[t]->count; i++)
            if (!option_is_flag_only(&table[t]->option[i]))
                write_definition(&writer, request, table[t], &table[t]->option[i],
                                 str_from(table[t]->option[i].key));
    json_close_array(&writer);
    respond_json(response, &writer);
}

/* ---- validation ---- */

static void write_choices(struct json_writer *writer, const struct option_spec *option)
{
    json_open_array(writer);
    for (size_t i = 0; option && option->choices && option->choices[i]; i++)
        json_text(writer, str_from(option->choices[i]));
    if (option && option->type == OPTION_BOOL) {
        json_text(writer, STR("true"));
        json_text(writer, STR("false"));
    }
    json_close_array(writer);
}

static void write_value(struct json_writer *writer, const struct request *request,
                        const struct validated *item)
{
    json_open_object(writer);
    json_pair(writer, "name", item->key);
    json_key(writer, "value");
    if (item->value.ptr)
        json_text(writer, shown_value(request, item->key, item->value));
    else
        json_null(writer);
    json_key(writer, "recommended_values");
    write_choices(writer, item->option);
    json_key(writer, "errors");
    json_open_array(writer);
    for (size_t i = 0; i < item->error_count; i++)
        json_text(writer, item->error[i]);
    json_close_array(writer);
    json_key(writer, "visible");
    json_bool(writer, true);
    json_close_object(writer);
}

static void write_groups(struct json_writer *writer, const struct validation *validation)
{
    const struct option_table *last = NULL;
    json_key(writer, "groups");
    json_open_array(writer);
    for (size_t i = 0; i < validation->count; i++) {
        const struct validated *item = &validation->item[i];
        bool plain = item->option && str_is(item->key, item->option->key);
        if (plain && item->table != last)
            json_text(writer, str_from(item->table->title));
        last = plain ? item->table : last;
    }
    json_close_array(writer);
}

static void write_validation(struct json_writer *writer, const struct request *request, str class,
                             const struct validation *validation)
{
    json_open_object(writer);
    json_pair(writer, "name", class);
    json_key(writer, "error_count");
    json_number(writer, (int64_t)validation->error_count);
    write_groups(writer, validation);
    json_key(writer, "configs");
    json_open_array(writer);
    for (size_t i = 0; i < validation->count; i++) {
        const struct validated *item = &validation->item[i];
        json_open_object(writer);
        json_key(writer, "definition");
        if (item->option)
            write_definition(writer, request, item->table, item->option, item->key);
        else
            json_null(writer);
        json_key(writer, "value");
        write_value(writer, request, item);
        json_close_object(writer);
    }
    json_close_array(writer);
    json_close_object(writer);
}

static bool read_texts(struct request *request, const struct json *root, struct config *config,
                       struct response *response)
{
    struct fault fault;
    config_init(config, request->arena);
    if (root->kind != JSON_OBJECT) {
        respond_error(response, 400, "expected a JSON object of keys and values");
        return false;
    }
    for (const struct json *member = root->child; member; member = member->next) {
        if (member->kind == JSON_NULL)
            continue;
        if (member->kind == JSON_OBJECT || member->kind == JSON_ARRAY) {
            respond_error(response, 400, "the value of %.*s must be a text, a number or a boolean",
                          STR_ARG(str_head(member->name, 200)));
            return false;
        }
        if (!config_set(config, member->name, member->text, STR("the request"), &fault)) {
            respond_error(response, fault.kind == FAULT_CONFIG ? 400 : 500, "%s", fault.text);
            return false;
        }
    }
    return true;
}

void put_validate(struct request *request, struct response *response)
{
    struct validation validation;
    struct json_writer writer;
    struct config config;
    struct fault fault;
    struct json *root;
    str class = request->parameter[0];
    if (!request_json(request, &root, response) || !read_texts(request, root, &config, response))
        return;
    const struct config_entry *entry = config_find(&config, STR("connector.class"));
    if (!entry)
        respond_error(response, 400,
                      "Connector config contains no connector type "
                      "(connector.class)");
    else if (!str_eq(entry->value, class))
        respond_error(response, 400,
                      "Included connector type %.*s does not match request type %.*s",
                      STR_ARG(str_head(entry->value, 300)), STR_ARG(str_head(class, 300)));
    else if (!find_class(class))
        respond_error(response, 404, "Unknown plugin %.*s.", STR_ARG(class));
    else if (!validate_config(worker_properties(request->rest->herder->worker), &config,
                              request->arena, &validation, &fault))
        respond_error(response, 500, "%s", fault.text);
    else {
        json_begin(&writer, &response->body);
        write_validation(&writer, request, class, &validation);
        respond_json(response, &writer);
    }
}
