/*
 * Connect's entities.
 */
#include "entities.h"

#include "secret.h"

str shown_value(const struct request *request, str key, str value)
{
    str shown;
    if (request->right >= RIGHT_WRITE && request->rest->settings->secrets != SECRETS_HIDE)
        return value;
    return secret_hide(key, value, request->arena, &shown) ? shown : SECRET_HIDDEN;
}

void write_config(struct json_writer *writer, const struct request *request,
                  const struct config *config)
{
    json_open_object(writer);
    for (size_t i = 0; i < config->count; i++) {
        json_text(writer, config->entry[i].key);
        json_text(writer, shown_value(request, config->entry[i].key, config->entry[i].value));
    }
    json_close_object(writer);
}

void write_info(struct json_writer *writer, const struct request *request,
                const struct herder_info *info)
{
    json_open_object(writer);
    json_pair(writer, "name", info->name);
    json_key(writer, "config");
    write_config(writer, request, &info->config);
    json_key(writer, "tasks");
    json_open_array(writer);
    for (int64_t i = 0; i < info->task_count; i++) {
        json_open_object(writer);
        json_pair(writer, "connector", info->name);
        json_key(writer, "task");
        json_number(writer, i);
        json_close_object(writer);
    }
    json_close_array(writer);
    json_pair(writer, "type", STR("sink"));
    json_close_object(writer);
}

static void write_state_members(struct json_writer *writer, const struct herder_state *state)
{
    json_pair(writer, "state", str_from(run_state_name(state->state)));
    json_pair(writer, "worker_id", state->worker_id);
    if (state->trace.len > 0)
        json_pair(writer, "trace", state->trace);
}

void write_task_state(struct json_writer *writer, const struct herder_state *state)
{
    json_open_object(writer);
    json_key(writer, "id");
    json_number(writer, state->id);
    write_state_members(writer, state);
    json_close_object(writer);
}

void write_status(struct json_writer *writer, const struct herder_status *status)
{
    json_open_object(writer);
    json_pair(writer, "name", status->name);
    json_key(writer, "connector");
    json_open_object(writer);
    write_state_members(writer, &status->connector);
    json_close_object(writer);
    json_key(writer, "tasks");
    json_open_array(writer);
    for (size_t i = 0; i < status->task_count; i++)
        write_task_state(writer, &status->task[i]);
    json_close_array(writer);
    json_pair(writer, "type", STR("sink"));
    json_close_object(writer);
}
