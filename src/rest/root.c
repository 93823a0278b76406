/*
 * The server itself: its version, and its health.
 */
#include "handlers.h"
#include "json_writer.h"

/* What tools compare with is the release of Kafka Connect; ours stands beside it. */
#define CONNECT_VERSION "4.0.0"

void respond_json(struct response *response, struct json_writer *writer)
{
    response->content_type = CONTENT_JSON;
    if (!json_end(writer))
        respond_error(response, 500, "the answer is too large, or memory ran out");
}

void get_root(struct request *request, struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct json_writer writer;
    if (!request_accepts(request, STR(CONTENT_JSON))) {
        if (!request_accepts(request, STR("text/html"))) {
            respond_error(response, 406, "HTTP 406 Not Acceptable");
            return;
        }
        response->status = 302;
        response->location = STR("/ui");
        return;
    }
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    json_pair(&writer, "version", STR(CONNECT_VERSION));
    json_pair(&writer, "commit", STR("fieldtrail-" FIELDTRAIL_VERSION));
    json_pair(&writer, "kafka_cluster_id", herder->type->cluster_id(herder, request->arena));
    json_close_object(&writer);
    respond_json(response, &writer);
}

static void say_health(struct response *response, int status, const char *word, str message)
{
    struct json_writer writer;
    response->status = status;
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    json_pair(&writer, "status", str_from(word));
    json_pair(&writer, "message", message);
    json_close_object(&writer);
    respond_json(response, &writer);
}

void get_health(struct request *request, struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct herder_answer answer = {.arena = request->arena};
    bool live, ready;
    herder->type->health(herder, &live, &ready, &answer);
    if (ready && live)
        say_health(response, 200, "healthy",
                   STR("Worker has completed startup and is ready to handle requests."));
    else if (live)
        say_health(response, 503, "starting",
                   answer.message.len > 0 ? answer.message : STR("Worker is still starting up."));
    else
        say_health(response, 500, "unhealthy",
                   STR("Worker was unable to handle this request and may be unable to handle other "
                       "requests."));
}

void get_live(struct request *request, struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct herder_answer answer = {.arena = request->arena};
    bool live, ready;
    herder->type->health(herder, &live, &ready, &answer);
    if (live)
        say_health(response, 200, "live", STR("The worker's thread does its rounds."));
    else
        say_health(response, 503, "unhealthy", STR("The worker's thread does not do its rounds."));
}
