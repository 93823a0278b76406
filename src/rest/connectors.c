/*
 * Looking at connectors.
 */
#include "entities.h"
#include "handlers.h"

static struct herder *herder_of(const struct request *request)
{
    return request->rest->herder;
}

/* One that was removed in the meantime is left out. */
static void write_expanded(struct request *request, struct json_writer *writer, str name)
{
    struct herder *herder = herder_of(request);
    struct herder_answer answer = {.arena = request->arena};
    struct herder_status status;
    struct herder_info info;
    bool want_status = false, want_info = false;
    str what;
    for (size_t i = 0; request_query(request, "expand", i, &what); i++) {
        want_status = want_status || str_is(what, "status");
        want_info = want_info || str_is(what, "info");
    }
    if ((want_status && !herder->type->status(herder, name, &status, &answer))
        || (want_info && !herder->type->info(herder, name, &info, &answer)))
        return;
    json_text(writer, name);
    json_open_object(writer);
    if (want_status) {
        json_key(writer, "status");
        write_status(writer, &status);
    }
    if (want_info) {
        json_key(writer, "info");
        write_info(writer, request, &info);
    }
    json_close_object(writer);
}

void get_connectors(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct json_writer writer;
    struct str_list names;
    str what;
    bool expand = request_query(request, "expand", 0, &what);
    if (!herder_of(request)->type->list(herder_of(request), &names, &answer)) {
        respond_refusal(response, &answer);
        return;
    }
    json_begin(&writer, &response->body);
    if (!expand) {
        json_open_array(&writer);
        for (size_t i = 0; i < names.count; i++)
            json_text(&writer, names.item[i]);
        json_close_array(&writer);
    } else {
        json_open_object(&writer);
        for (size_t i = 0; i < names.count; i++)
            write_expanded(request, &writer, names.item[i]);
        json_close_object(&writer);
    }
    respond_json(response, &writer);
}

static bool find_info(struct request *request, struct herder_info *info, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    if (herder_of(request)->type->info(herder_of(request), request->parameter[0], info, &answer))
        return true;
    respond_refusal(response, &answer);
    return false;
}

void get_connector(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct herder_info info;
    if (!find_info(request, &info, response))
        return;
    json_begin(&writer, &response->body);
    write_info(&writer, request, &info);
    respond_json(response, &writer);
}

void get_config(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct herder_info info;
    if (!find_info(request, &info, response))
        return;
    json_begin(&writer, &response->body);
    write_config(&writer, request, &info.config);
    respond_json(response, &writer);
}

void get_tasks(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct herder_info info;
    if (!find_info(request, &info, response))
        return;
    json_begin(&writer, &response->body);
    json_open_array(&writer);
    for (int64_t i = 0; i < info.task_count; i++) {
        json_open_object(&writer);
        json_key(&writer, "id");
        json_open_object(&writer);
        json_pair(&writer, "connector", info.name);
        json_key(&writer, "task");
        json_number(&writer, i);
        json_close_object(&writer);
        json_key(&writer, "config");
        write_config(&writer, request, &info.config);
        json_close_object(&writer);
    }
    json_close_array(&writer);
    respond_json(response, &writer);
}

/* ---- status ---- */

static bool find_status(struct request *request, struct herder_status *status,
                        struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    str name = request->parameter[0];
    if (herder_of(request)->type->status(herder_of(request), name, status, &answer))
        return true;
    if (answer.error == HERDER_NOT_FOUND && request->parameter[1].ptr)
        respond_error(response, 404, "No status found for task %.*s-%.*s", STR_ARG(name),
                      STR_ARG(request->parameter[1]));
    else if (answer.error == HERDER_NOT_FOUND)
        respond_error(response, 404, "No status found for connector %.*s", STR_ARG(name));
    else
        respond_refusal(response, &answer);
    return false;
}

void get_status(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct herder_status status;
    if (!find_status(request, &status, response))
        return;
    json_begin(&writer, &response->body);
    write_status(&writer, &status);
    respond_json(response, &writer);
}

void get_task_status(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct herder_status status;
    int64_t id;
    if (!find_status(request, &status, response))
        return;
    for (size_t i = 0; str_to_int64(request->parameter[1], &id) && i < status.task_count; i++) {
        if (status.task[i].id != id)
            continue;
        json_begin(&writer, &response->body);
        write_task_state(&writer, &status.task[i]);
        respond_json(response, &writer);
        return;
    }
    respond_error(response, 404, "No status found for task %.*s-%.*s",
                  STR_ARG(request->parameter[0]), STR_ARG(request->parameter[1]));
}

/* ---- topics ---- */

void get_topics(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct json_writer writer;
    struct str_list topics = {NULL, 0};
    str name = request->parameter[0];
    /* Connect knows nothing of such a connector's topics either, and says so. */
    if (!herder_of(request)->type->topics(herder_of(request), name, &topics, &answer)
        && answer.error != HERDER_NOT_FOUND) {
        respond_refusal(response, &answer);
        return;
    }
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    json_text(&writer, name);
    json_open_object(&writer);
    json_key(&writer, "topics");
    json_open_array(&writer);
    for (size_t i = 0; i < topics.count; i++)
        json_text(&writer, topics.item[i]);
    json_close_array(&writer);
    json_close_object(&writer);
    json_close_object(&writer);
    respond_json(response, &writer);
}
