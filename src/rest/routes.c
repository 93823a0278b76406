/*
 * The route table, and finding one's way in it. Paths are compared segment by segment, decoded only
 * once they are taken apart, so a name may hold a slash as %2F.
 */
#include "routes.h"

#include "handlers.h"

#define JSON CONTENT_JSON

static const struct route routes[] = {
    {METHOD_GET, "/", RIGHT_READ, PACE_QUICK, NULL, get_root},
    {METHOD_GET, "/health", RIGHT_NONE, PACE_QUICK, JSON, get_health},
    {METHOD_GET, "/health/ready", RIGHT_NONE, PACE_QUICK, JSON, get_health},
    {METHOD_GET, "/health/live", RIGHT_NONE, PACE_QUICK, JSON, get_live},
    {METHOD_GET, "/metrics", RIGHT_READ, PACE_QUICK, NULL, get_metrics},
    {METHOD_GET, "/ui", RIGHT_READ, PACE_QUICK, NULL, get_ui},
    {METHOD_GET, "/ui/{}", RIGHT_READ, PACE_QUICK, NULL, get_ui_file},
    {METHOD_GET, "/fieldtrail/summary", RIGHT_READ, PACE_QUICK, JSON, get_summary},
    {METHOD_GET, "/fieldtrail/connectors/{}", RIGHT_READ, PACE_QUICK, JSON, get_observed},
    {METHOD_GET, "/connectors", RIGHT_READ, PACE_QUICK, JSON, get_connectors},
    {METHOD_POST, "/connectors", RIGHT_WRITE, PACE_SLOW, JSON, post_connectors},
    {METHOD_GET, "/connectors/{}", RIGHT_READ, PACE_QUICK, JSON, get_connector},
    {METHOD_DELETE, "/connectors/{}", RIGHT_WRITE, PACE_SLOW, JSON, delete_connector},
    {METHOD_GET, "/connectors/{}/config", RIGHT_READ, PACE_QUICK, JSON, get_config},
    {METHOD_PUT, "/connectors/{}/config", RIGHT_WRITE, PACE_SLOW, JSON, put_config},
    {METHOD_PATCH, "/connectors/{}/config", RIGHT_WRITE, PACE_SLOW, JSON, patch_config},
    {METHOD_GET, "/connectors/{}/status", RIGHT_READ, PACE_QUICK, JSON, get_status},
    {METHOD_POST, "/connectors/{}/restart", RIGHT_WRITE, PACE_SLOW, JSON, post_restart},
    {METHOD_PUT, "/connectors/{}/pause", RIGHT_WRITE, PACE_SLOW, JSON, put_pause},
    {METHOD_PUT, "/connectors/{}/resume", RIGHT_WRITE, PACE_SLOW, JSON, put_resume},
    {METHOD_PUT, "/connectors/{}/stop", RIGHT_WRITE, PACE_SLOW, JSON, put_stop},
    {METHOD_GET, "/connectors/{}/tasks", RIGHT_READ, PACE_QUICK, JSON, get_tasks},
    {METHOD_GET, "/connectors/{}/tasks/{#}/status", RIGHT_READ, PACE_QUICK, JSON, get_task_status},
    {METHOD_POST, "/connectors/{}/tasks/{#}/restart", RIGHT_WRITE, PACE_SLOW, JSON,
     post_task_restart},
    {METHOD_GET, "/connectors/{}/topics", RIGHT_READ, PACE_QUICK, JSON, get_topics},
    {METHOD_PUT, "/connectors/{}/topics/reset", RIGHT_WRITE, PACE_SLOW, JSON, put_topics_reset},
    {METHOD_GET, "/connectors/{}/offsets", RIGHT_READ, PACE_SLOW, JSON, get_offsets},
    {METHOD_PATCH, "/connectors/{}/offsets", RIGHT_WRITE, PACE_SLOW, JSON, patch_offsets},
    {METHOD_DELETE, "/connectors/{}/offsets", RIGHT_WRITE, PACE_SLOW, JSON, delete_offsets},
    {METHOD_GET, "/connector-plugins", RIGHT_READ, PACE_QUICK, JSON, get_plugins},
    {METHOD_GET, "/connector-plugins/{}/config", RIGHT_READ, PACE_QUICK, JSON, get_plugin_config},
    {METHOD_PUT, "/connector-plugins/{}/config/validate", RIGHT_WRITE, PACE_SLOW, JSON,
     put_validate},
    {METHOD_GET, "/admin/loggers", RIGHT_READ, PACE_QUICK, JSON, get_loggers},
    {METHOD_GET, "/admin/loggers/{}", RIGHT_READ, PACE_QUICK, JSON, get_logger},
    {METHOD_PUT, "/admin/loggers/{}", RIGHT_WRITE, PACE_SLOW, JSON, put_logger},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))
#define SEGMENT_LIMIT 6
#define SEGMENT_BYTES_LIMIT 4096

struct path {
    str segment[SEGMENT_LIMIT];
    size_t count;
};

/* False where there are too many segments to be ours, or an empty one inside. */
static bool take_apart(str text, struct path *path)
{
    str rest = str_from_at(text, 1), segment;
    *path = (struct path){.count = 0};
    while (str_split(&rest, '/', &segment)) {
        if (segment.len == 0 || path->count == SEGMENT_LIMIT)
            return false;
        path->segment[path->count++] = segment;
    }
    return true;
}

static bool is_number(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len > 0 && text.len < 10;
}

/* Whether the segments fit; `parameter` gets those that stand for the braces, still encoded. */
static bool fits(const struct route *route, const struct path *path, str parameter[PARAMETER_LIMIT])
{
    struct path wanted;
    size_t used = 0;
    if (!take_apart(str_from(route->path), &wanted) || wanted.count != path->count)
        return false;
    for (size_t i = 0; i < path->count; i++) {
        bool number = str_is(wanted.segment[i], "{#}");
        if (number && !is_number(path->segment[i]))
            return false;
        if (number || str_is(wanted.segment[i], "{}"))
            parameter[used++] = path->segment[i];
        else if (!str_eq(wanted.segment[i], path->segment[i]))
            return false;
    }
    return true;
}

static const char *const method_names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

/* The path is there, for other methods. */
static bool answer_other_method(struct request *request, const bool *known,
                                struct response *response)
{
    struct buf names;
    char space[100];
    names = (struct buf){.ptr = space, .capacity = sizeof(space), .limit = sizeof(space)};
    for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++)
        if (known[i])
            buf_format(&names, "%s%s,", i == METHOD_GET ? "HEAD," : "", method_names[i]);
    buf_str(&names, STR("OPTIONS"));
    if (request->method == METHOD_OPTIONS) {
        response->content_type = "text/plain";
        buf_str(&response->body, buf_view(&names));
    } else {
        respond_error(response, 405, "HTTP 405 Method Not Allowed");
    }
    if (!arena_copy(request->arena, buf_view(&names), &response->allow))
        response->allow = STR_EMPTY;
    return false;
}

static bool decode_parameters(struct request *request, struct response *response)
{
    for (size_t i = 0; i < PARAMETER_LIMIT; i++) {
        str coded = request->parameter[i];
        if (!coded.ptr)
            continue;
        if (coded.len > SEGMENT_BYTES_LIMIT
            || !request_decode(coded, false, request->arena, &request->parameter[i])) {
            respond_error(response, 400, "a name in the path is malformed: %%XX must be UTF-8");
            return false;
        }
    }
    return true;
}

bool routes_find(struct request *request, struct response *response)
{
    struct path path;
    bool known[METHOD_OTHER + 1] = {false}, any = false;
    bool good = str_starts(request->path, STR("/")) && take_apart(request->path, &path);
    for (size_t i = 0; good && i < ROUTE_COUNT; i++) {
        str parameter[PARAMETER_LIMIT] = {STR_EMPTY, STR_EMPTY};
        if (!fits(&routes[i], &path, parameter))
            continue;
        known[routes[i].method] = any = true;
        if (routes[i].method != request->method)
            continue;
        request->route = &routes[i];
        memcpy(request->parameter, parameter, sizeof(parameter));
        return decode_parameters(request, response);
    }
    if (any)
        return answer_other_method(request, known, response);
    respond_error(response, 404, "HTTP 404 Not Found");
    return false;
}
