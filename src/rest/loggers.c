/*
 * /admin/loggers: there is one log, called root as in Connect, and fieldtrail for those who look
 * for a name.
 */
#include <strings.h>

#include "handlers.h"
#include "json.h"
#include "json_writer.h"
#include "log.h"

static const char *const loggers[] = {"fieldtrail", "root"};

#define LOGGER_COUNT (sizeof(loggers) / sizeof(loggers[0]))

static bool is_known(str name)
{
    for (size_t i = 0; i < LOGGER_COUNT; i++)
        if (str_is(name, loggers[i]))
            return true;
    return false;
}

static void write_logger(struct json_writer *writer, const struct request *request)
{
    static const char *const words[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    int64_t changed_ms = request->rest->herder->level_changed_ms;
    json_open_object(writer);
    json_pair(writer, "level", str_from(words[log_get_level()]));
    json_key(writer, "last_modified");
    if (changed_ms > 0)
        json_number(writer, changed_ms);
    else
        json_null(writer);
    json_close_object(writer);
}

void get_loggers(struct request *request, struct response *response)
{
    struct json_writer writer;
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    for (size_t i = 0; i < LOGGER_COUNT; i++) {
        json_key(&writer, loggers[i]);
        write_logger(&writer, request);
    }
    json_close_object(&writer);
    respond_json(response, &writer);
}

void get_logger(struct request *request, struct response *response)
{
    struct json_writer writer;
    if (!is_known(request->parameter[0])) {
        respond_error(response, 404, "Logger %.*s not found.", STR_ARG(request->parameter[0]));
        return;
    }
    json_begin(&writer, &response->body);
    write_logger(&writer, request);
    respond_json(response, &writer);
}

/* log4j's words; those below ours are the nearest that we have. */
static bool find_level(str text, enum log_level *level)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {{"OFF", LOG_ERROR}, {"FATAL", LOG_ERROR}, {"ERROR", LOG_ERROR}, {"WARN", LOG_WARN},
                 {"INFO", LOG_INFO}, {"DEBUG", LOG_DEBUG}, {"TRACE", LOG_DEBUG}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text.len == strlen(words[i].word)
            && strncasecmp(text.ptr, words[i].word, text.len) == 0) {
            *level = words[i].level;
            return true;
        }
    }
    return false;
}

static void set_for_all(struct request *request, str name, enum log_level level,
                        struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct herder_answer answer = {.arena = request->arena};
    if (is_known(name) && !herder->type->set_level(herder, name, level, &answer))
        respond_refusal(response, &answer);
    else
        response->status = 204;
}

void put_logger(struct request *request, struct response *response)
{
    struct json_writer writer;
    struct json *root;
    enum log_level level;
    str name = request->parameter[0], scope = STR_EMPTY;
    if (!request_json(request, &root, response))
        return;
    const struct json *member = json_member(root, "level");
    if (!member || member->kind == JSON_NULL) {
        respond_error(response, 400, "Desired 'level' parameter was not specified in request.");
        return;
    }
    if (!find_level(member->text, &level)) {
        respond_error(response, 404, "invalid log level '%.*s'.",
                      STR_ARG(str_head(member->text, 100)));
        return;
    }
    if (request_query(request, "scope", 0, &scope) && str_is(scope, "cluster")) {
        set_for_all(request, name, level, response);
        return;
    }
    if (is_known(name))
        herder_set_level(request->rest->herder, level);
    json_begin(&writer, &response->body);
    json_open_array(&writer);
    if (is_known(name))
        json_text(&writer, name);
    json_close_array(&writer);
    respond_json(response, &writer);
}
