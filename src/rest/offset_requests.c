/*
 * Offsets of a connector, in the form that Connect has for sinks.
 */
#include "handlers.h"
#include "json.h"
#include "json_writer.h"

#define OFFSETS_LIMIT 100000

static struct herder *herder_of(const struct request *request)
{
    return request->rest->herder;
}

void get_offsets(struct request *request, struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct herder_offsets offsets;
    struct json_writer writer;
    if (!herder_of(request)->type->get_offsets(herder_of(request), request->parameter[0], &offsets,
                                               &answer)) {
        respond_refusal(response, &answer);
        return;
    }
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    json_key(&writer, "offsets");
    json_open_array(&writer);
    for (size_t i = 0; i < offsets.count; i++) {
        json_open_object(&writer);
        json_key(&writer, "partition");
        json_open_object(&writer);
        json_key(&writer, "kafka_partition");
        json_number(&writer, offsets.item[i].partition);
        json_pair(&writer, "kafka_topic", offsets.item[i].topic);
        json_close_object(&writer);
        json_key(&writer, "offset");
        json_open_object(&writer);
        json_key(&writer, "kafka_offset");
        json_number(&writer, offsets.item[i].offset);
        json_close_object(&writer);
        json_close_object(&writer);
    }
    json_close_array(&writer);
    json_close_object(&writer);
    respond_json(response, &writer);
}

/* ---- altering ---- */

static bool refuse(struct response *response, const char *text)
{
    respond_error(response, 400, "%s", text);
    return false;
}

static bool read_partition(const struct json *partition, struct herder_offset *item,
                           struct response *response)
{
    const struct json *topic = json_member(partition, "kafka_topic");
    const struct json *number = json_member(partition, "kafka_partition");
    if (!partition || partition->kind != JSON_OBJECT)
        return refuse(response,
                      "The partition for a sink connector offset cannot be null or missing");
    if (!topic || topic->kind != JSON_STRING || !number)
        return refuse(response, "The partition for a sink connector offset must contain the keys "
                                "'kafka_topic' and 'kafka_partition'");
    item->topic = topic->text;
    if (json_int64(number, &item->partition) && item->partition >= 0
        && item->partition <= INT32_MAX)
        return true;
    respond_error(response, 400,
                  "Failed to parse the following Kafka partition value in the provided offsets: "
                  "'%.*s'. Partition values for sink connectors need to be integers.",
                  STR_ARG(str_head(number->text, 100)));
    return false;
}

static bool read_offset(const struct json *offset, struct herder_offset *item,
                        struct response *response)
{
    const struct json *number = json_member(offset, "kafka_offset");
    item->offset = OFFSET_NONE;
    if (!offset || offset->kind == JSON_NULL)
        return true;
    if (offset->kind != JSON_OBJECT || !number)
        return refuse(response, "The offset for a sink connector should either be null or contain "
                                "the key 'kafka_offset'");
    if (!json_int64(number, &item->offset)) {
        respond_error(response, 400,
                      "Failed to parse the following Kafka offset value in the provided offsets: "
                      "'%.*s'. Offset values for sink connectors need to be integers.",
                      STR_ARG(str_head(number->text, 100)));
        return false;
    }
    return item->offset >= 0 || refuse(response, "an offset cannot be negative");
}

static bool read_offsets(struct request *request, const struct json *list,
                         struct herder_offsets *offsets, struct response *response)
{
    size_t count = json_child_count(list);
    if (!list || list->kind != JSON_ARRAY || count == 0)
        return refuse(response,
                      "Partitions / offsets need to be provided for an alter offsets request");
    if (count > OFFSETS_LIMIT)
        return refuse(response, "too many offsets");
    offsets->item = ARENA_NEW(request->arena, struct herder_offset, count);
    if (!offsets->item) {
        respond_error(response, 500, "memory ran out");
        return false;
    }
    for (const struct json *each = list->child; each; each = each->next) {
        struct herder_offset *item = &offsets->item[offsets->count++];
        if (!read_partition(json_member(each, "partition"), item, response)
            || !read_offset(json_member(each, "offset"), item, response))
            return false;
    }
    return true;
}

static void move(struct request *request, const struct herder_offsets *offsets, const char *done,
                 struct response *response)
{
    struct herder_answer answer = {.arena = request->arena};
    struct json_writer writer;
    if (!herder_of(request)->type->move_offsets(herder_of(request), request->parameter[0], offsets,
                                                &answer)) {
        respond_refusal(response, &answer);
        return;
    }
    json_begin(&writer, &response->body);
    json_open_object(&writer);
    json_pair(&writer, "message", str_from(done));
    json_close_object(&writer);
    respond_json(response, &writer);
}

void patch_offsets(struct request *request, struct response *response)
{
    struct herder_offsets offsets = {.count = 0};
    struct json *root;
    if (request_json(request, &root, response)
        && read_offsets(request, json_member(root, "offsets"), &offsets, response))
        move(request, &offsets, "The offsets for this connector have been altered successfully",
             response);
}

void delete_offsets(struct request *request, struct response *response)
{
    move(request, NULL, "The offsets for this connector have been reset successfully", response);
}
