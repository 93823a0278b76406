/*
 * Changing connectors.
 */
#include "entities.h"
#include "handlers.h"
#include "json.h"

static struct herder *herder_of(const struct request *request)
{
    return request->rest->herder;
}

/* True, and the answer says how long the change lasts, or false with the refusal. */
static bool settle(const struct request *request, bool good, const struct herder_answer *answer,
                   struct response *response)
{
    if (!good)
        respond_refusal(response, answer);
    else
        response->fleeting = !herder_of(request)->lasting;
    return good;
}

/* ---- configurations ---- */

/* Values are texts, or numbers and booleans, which become the text that stands there. */
static bool read_member(struct request *request, const struct json *member, bool patch,
                        struct config *config, struct response *response)
{
    struct fault fault;
    bool removed = member->kind == JSON_NULL && patch;
    str origin = removed ? HERDER_REMOVED : STR("the request");
    if (member->kind == JSON_NULL && !patch)
        respond_error(response, 400, "the value of %.*s is null: leave the key out",
                      STR_ARG(str_head(member->name, 200)));
    else if (member->kind == JSON_OBJECT || member->kind == JSON_ARRAY)
        respond_error(response, 400, "the value of %.*s must be a text, a number or a boolean",
                      STR_ARG(str_head(member->name, 200)));
    else if (!config_set(config, member->name, removed ? STR_EMPTY : member->text, origin, &fault))
        respond_error(response, fault.kind == FAULT_CONFIG ? 400 : 500, "%s", fault.text);
    else
        return true;
    (void)request;
    return false;
}

static bool read_config(struct request *request, const struct json *object, bool patch,
                        struct config *config, struct response *response)
{
    config_init(config, request->arena);
    if (!object || object->kind != JSON_OBJECT) {
        respond_error(response, 400, "expected a JSON object of keys and values");
        return false;
    }
    for (const struct json *member = object->child; member; member = member->next)
        if (!read_member(request, member, patch, config, response))
            return false;
    return true;
}

/* The name in the configuration is that of the connector, or is not there. */
static bool check_name(const struct config *config, str name, struct response *response)
{
    const struct config_entry *entry = config_find(config, STR("name"));
    if (entry && !str_eq(entry->value, name)) {
        respond_error(response, 400,
                      "Connector name configuration (%.*s) doesn't match connector name in the URL "
                      "(%.*s)",
                      STR_ARG(str_head(entry->value, 300)), STR_ARG(str_head(name, 300)));
        return false;
    }
    if (!config_find(config, STR("connector.class"))) {
        respond_error(response, 400,
                      "Connector config contains no connector type "
                      "(connector.class)");
        return false;
    }
    return true;
}

/* Segments of a path without what would end it. */
static str encode(struct arena *arena, str text)
{
    struct buf out;
    str copy = STR_EMPTY;
    buf_init(&out, 3 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || (c > 0 && strchr("-._~", c));
        if (plain)
            buf_char(&out, (char)c);
        else
            buf_format(&out, "%%%02X", c);
    }
    if (out.failed || !arena_copy(arena, buf_view(&out), &copy))
        copy = STR_EMPTY;
    buf_release(&out);
    return copy;
}

static void respond_info(struct request *request, const struct herder_info *info, bool created,
                         struct response *response)
{
    struct json_writer writer;
    str name = encode(request->arena, info->name);
    response->status = created ? 201 : 200;
    if (created && request->host.len > 0)
        response->location = arena_format(request->arena, "http%s://%.*s/connectors/%.*s",
                                          request->tls ? "s" : "", STR_ARG(request->host),
                                          STR_ARG(name));
    else if (created)
        response->location = arena_format(request->arena, "/connectors/%.*s", STR_ARG(name));
    json_begin(&writer, &response->body);
    write_info(&writer, request, info);
    respond_json(response, &writer);
}

static void put(struct request *request, const struct herder_put *put, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct herder_info info;
    bool created = false;
    if (!check_name(put->config, put->name, response))
        return;
    bool good = herder_of(request)->type->put(herder_of(request), put, &info, &created, &answer);
    if (settle(request, good, &answer, response))
        respond_info(request, &info, created, response);
}

void put_config(struct request *request, struct response *response)
{
    struct config config;
    struct json *root;
    if (!request_json(request, &root, response)
        || !read_config(request, root, false, &config, response))
        return;
    struct herder_put change = {.name = request->parameter[0], .config = &config};
    put(request, &change, response);
}

/* ---- creation ---- */

static bool check_members(const struct json *root, struct response *response)
{
    for (const struct json *member = root->child; member; member = member->next) {
        if (str_is(member->name, "name") || str_is(member->name, "config")
            || str_is(member->name, "initial_state"))
            continue;
        respond_error(response, 400,
                      "unknown field %.*s; those known are name, config and initial_state",
                      STR_ARG(str_head(member->name, 200)));
        return false;
    }
    return true;
}

static bool read_initial(const struct json *member, enum target_state *initial,
                         struct response *response)
{
    static const char *const words[] = {"RUNNING", "PAUSED", "STOPPED"};
    str text = json_string(member);
    *initial = TARGET_STARTED;
    if (!member || member->kind == JSON_NULL)
        return true;
    for (int i = 0; i < 3; i++) {
        bool same = text.len == strlen(words[i]);
        for (size_t j = 0; same && j < text.len; j++)
            same = (text.ptr[j] & ~0x20) == words[i][j];
        if (same) {
            *initial = (enum target_state)i;
            return true;
        }
    }
    respond_error(response, 400, "initial_state must be one of RUNNING, PAUSED, STOPPED");
    return false;
}

void post_connectors(struct request *request, struct response *response)
{
    struct config config;
    struct json *root;
    struct herder_put change = {.config = &config, .create = true};
    if (!request_json(request, &root, response))
        return;
    if (root->kind != JSON_OBJECT) {
        respond_error(response, 400, "expected a JSON object with name and config");
        return;
    }
    if (!check_members(root, response)
        || !read_initial(json_member(root, "initial_state"), &change.initial, response)
        || !read_config(request, json_member(root, "config"), false, &config, response))
        return;
    change.name = str_trim(json_string(json_member(root, "name")));
    put(request, &change, response);
}

void patch_config(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct herder *herder = herder_of(request);
    struct herder_info info;
    struct config patch;
    struct json *root;
    if (!request_json(request, &root, response)
        || !read_config(request, root, true, &patch, response))
        return;
    str name = request->parameter[0];
    const struct config_entry *entry = config_find(&patch, STR("name"));
    if (entry && !str_eq(entry->value, name)) {
        respond_error(response, 400, "the name of a connector cannot be changed");
        return;
    }
    if (settle(request, herder->type->patch(herder, name, &patch, &info, &answer), &answer,
               response))
        respond_info(request, &info, false, response);
}

void delete_connector(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    bool good = herder_of(request)->type->remove(herder_of(request), request->parameter[0],
                                                 &answer);
    if (settle(request, good, &answer, response))
        response->status = 204;
}

/* ---- states ---- */

/* Connect has other words for a connector that is not there, request by request. */
static void respond_unknown(struct request *request, const struct herder_answer *answer,
                            const char *words, struct response *response)
{
    if (answer->error == HERDER_NOT_FOUND)
        respond_error(response, 404, "%s %.*s", words, STR_ARG(request->parameter[0]));
}

static void set_target(struct request *request, enum target_state target, int status,
                       struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    bool good = herder_of(request)->type->set_target(herder_of(request), request->parameter[0],
                                                     target, &answer);
    if (settle(request, good, &answer, response))
        response->status = status;
    else
        respond_unknown(request, &answer, "Unknown connector", response);
}

void put_pause(struct request *request, struct response *response)
{
    set_target(request, TARGET_PAUSED, 202, response);
}

void put_resume(struct request *request, struct response *response)
{
    set_target(request, TARGET_STARTED, 202, response);
}

void put_stop(struct request *request, struct response *response)
{
    set_target(request, TARGET_STOPPED, 204, response);
}

static bool query_flag(const struct request *request, const char *name)
{
    str value;
    return request_query(request, name, 0, &value) && value.len == 4 && (value.ptr[0] | 0x20) == 't'
           && (value.ptr[1] | 0x20) == 'r' && (value.ptr[2] | 0x20) == 'u'
           && (value.ptr[3] | 0x20) == 'e';
}

void post_restart(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct herder_restart restart = {.name = request->parameter[0],
                                     .include_tasks = query_flag(request, "includeTasks"),
                                     .only_failed = query_flag(request, "onlyFailed")};
    struct herder_status status;
    struct json_writer writer;
    bool good = herder_of(request)->type->restart(herder_of(request), &restart, &status, &answer);
    if (!settle(request, good, &answer, response)) {
        respond_unknown(request, &answer, "Unknown connector:", response);
        return;
    }
    response->fleeting = false;
    /* As Connect has done since before there were the parameters. */
    if (!restart.include_tasks && !restart.only_failed) {
        response->status = 204;
        return;
    }
    response->status = 202;
    json_begin(&writer, &response->body);
    write_status(&writer, &status);
    respond_json(response, &writer);
}

void post_task_restart(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    int64_t id = -1;
    bool good = str_to_int64(request->parameter[1], &id)
                && herder_of(request)->type->restart_task(herder_of(request), request->parameter[0],
                                                          id, &answer);
    if (good)
        response->status = 204;
    else if (str_starts(answer.message, STR("Unknown task")))
        respond_refusal(response, &answer);
    else {
        respond_refusal(response, &answer);
        respond_unknown(request, &answer, "Unknown connector:", response);
    }
}

void put_topics_reset(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    bool good = herder_of(request)->type->reset_topics(herder_of(request), request->parameter[0],
                                                       &answer);
    if (good || answer.error == HERDER_NOT_FOUND)
        response->status = 202;
    else
        respond_refusal(response, &answer);
}
