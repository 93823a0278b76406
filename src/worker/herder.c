/*
 * What every herder does alike: refusals, and configurations on their way in.
 */
#include "herder.h"

#include <stdarg.h>

#include "clock.h"
#include "config_file.h"
#include "secret.h"
#include "validate.h"

#define MESSAGE_LIMIT ((size_t)256 * 1024)

bool herder_refuse(struct herder_answer *answer, enum herder_error error, const char *format, ...)
{
    char text[4000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    answer->error = error;
    if (!arena_copy(answer->arena, str_whole(str_from(text)), &answer->message))
        answer->message = STR("memory ran out");
    return false;
}

bool herder_fail(struct herder_answer *answer, const struct fault *fault)
{
    return herder_refuse(answer, fault->kind == FAULT_CONFIG ? HERDER_BAD_REQUEST : HERDER_FAILED,
                         "%s", fault->text);
}

bool herder_no_connector(struct herder_answer *answer, str name)
{
    return herder_refuse(answer, HERDER_NOT_FOUND, "Connector %.*s not found", STR_ARG(name));
}

void herder_set_level(struct herder *herder, enum log_level level)
{
    log_set_level(level);
    herder->level_changed_ms = clock_now_us() / 1000;
}

/* ---- configurations ---- */

static bool refuse_invalid(const struct validation *validation, struct herder_answer *answer)
{
    struct buf text;
    buf_init(&text, MESSAGE_LIMIT);
    buf_format(&text, "Connector configuration is invalid and contains the following %zu error(s):",
               validation->error_count);
    for (size_t i = 0; i < validation->count; i++)
        for (size_t j = 0; j < validation->item[i].error_count; j++)
            buf_format(&text, "\n%.*s", STR_ARG(validation->item[i].error[j]));
    buf_str(&text, STR("\nYou can also find the above list of errors at the endpoint "
                       "`/connector-plugins/{connectorType}/config/validate`"));
    answer->error = HERDER_BAD_REQUEST;
    if (text.failed || !arena_copy(answer->arena, buf_view(&text), &answer->message))
        answer->message = STR("the configuration is invalid");
    buf_release(&text);
    return false;
}

/* A value that looks as hiding makes the stored one look is the stored one. */
static bool unhide(const struct config *stored, str key, str *value, struct arena *arena)
{
    const struct config_entry *entry = stored ? config_find(stored, key) : NULL;
    str hidden;
    if (!entry)
        return true;
    if (!secret_hide(key, entry->value, arena, &hidden))
        return false;
    if (str_eq(hidden, *value))
        *value = entry->value;
    return true;
}

static bool copy_unhidden(const struct config *given, const struct config *stored, str origin,
                          struct config *out, struct fault *fault)
{
    for (size_t i = 0; i < given->count; i++) {
        str value = given->entry[i].value;
        if (!unhide(stored, given->entry[i].key, &value, out->arena))
            return fault_memory(fault, "a configuration");
        if (!config_set(out, given->entry[i].key, value, origin, fault))
            return false;
    }
    return true;
}

bool herder_prepare(const struct config *properties, str name, const struct config *given,
                    const struct config *stored, struct config *out, struct herder_answer *answer)
{
    struct fault fault = {0};
    struct validation validation;
    config_init(out, answer->arena);
    if (!copy_unhidden(given, stored, name, out, &fault)
        || (!config_find(out, STR("name")) && !config_set(out, STR("name"), name, name, &fault))
        || !validate_config(properties, out, answer->arena, &validation, &fault))
        return herder_fail(answer, &fault);
    return validation.error_count == 0 || refuse_invalid(&validation, answer);
}

bool herder_merge(const struct config *stored, const struct config *patch, struct config *out,
                  struct herder_answer *answer)
{
    struct fault fault = {0};
    config_init(out, answer->arena);
    for (size_t i = 0; i < stored->count; i++) {
        const struct config_entry *each = &stored->entry[i];
        const struct config_entry *removed = config_find(patch, each->key);
        if (removed && str_eq(removed->origin, HERDER_REMOVED))
            continue;
        if (!config_set(out, each->key, each->value, each->origin, &fault))
            return herder_fail(answer, &fault);
    }
    for (size_t i = 0; i < patch->count; i++) {
        const struct config_entry *each = &patch->entry[i];
        if (!str_eq(each->origin, HERDER_REMOVED)
            && !config_set(out, each->key, each->value, each->origin, &fault))
            return herder_fail(answer, &fault);
    }
    return true;
}

/* ---- snapshots ---- */

void herder_describe(const struct worker_connector *connector, struct herder_info *info)
{
    *info = (struct herder_info){
        .name = connector->name,
        .config = connector->config,
        .target = connector->target,
        .task_count = connector->target == TARGET_STOPPED ? 0 : connector->tasks_max};
}

bool herder_report(const struct worker_connector *connector, str worker_id,
                   struct herder_status *status, struct herder_answer *answer)
{
    *status = (struct herder_status){.name = connector->name,
                                     .connector = {.id = -1,
                                                   .state = connector->state,
                                                   .worker_id = worker_id,
                                                   .trace = connector->trace}};
    status->task = ARENA_NEW(answer->arena, struct herder_state, connector->task_count + 1);
    if (!status->task)
        return herder_refuse(answer, HERDER_FAILED, "memory ran out");
    for (size_t i = 0; i < connector->task_count; i++) {
        const struct worker_task *task = &connector->task[i];
        status->task[status->task_count++] = (struct herder_state){task->id, task->state, worker_id,
                                                                   task->trace};
    }
    return true;
}
