/*
 * Side files: small JSON objects, replaced as a whole.
 */
#include "csv_side.h"

#include <errno.h>

#include <fieldtrail/source.h>

#include "json.h"

/* A flush that rolls many files names them all. */
#define SIDE_BYTES_LIMIT ((int64_t)16 * 1024 * 1024)

/* ---- reading ---- */

static bool is_damaged(struct fault *fault, const struct folder *folder, const char *name,
                       const char *what)
{
    return fault_set(fault, FAULT_CONFIG,
                     "%s/%s: %s; put back the file as it was, or begin anew with an empty "
                     "file.path and another name of the connector",
                     folder->path, name, what);
}

static bool read_bytes(struct folder *folder, int file, const char *name, struct arena *arena,
                       str *bytes, struct fault *fault)
{
    struct file_state state;
    if (folder->type->look(folder, file, &state) != 0)
        return folder_fault(fault, folder, "look at", name);
    if (!state.regular || state.size > SIDE_BYTES_LIMIT)
        return is_damaged(fault, folder, name, "not a side file");
    char *text = arena_alloc(arena, (size_t)state.size + 1);
    size_t done = 0;
    if (!text)
        return fault_memory(fault, "a side file");
    while (done < (size_t)state.size) {
        ssize_t got = folder->type->read(folder, file, text + done, (size_t)state.size - done,
                                         (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return folder_fault(fault, folder, "read", name);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *bytes = (str){text, done};
    return true;
}

/* The file's document; NULL in `root` where there is no such file. */
static bool read_document(struct folder *folder, const char *name, struct arena *arena,
                          struct json **root, struct fault *fault)
{
    str bytes = STR_EMPTY;
    *root = NULL;
    int file = folder->type->open(folder, name, OPEN_READ);
    if (file < 0 && errno == ENOENT)
        return true;
    if (file < 0)
        return folder_fault(fault, folder, "read", name);
    bool good = read_bytes(folder, file, name, arena, &bytes, fault);
    folder->type->close(folder, file);
    if (!good)
        return false;
    if (json_parse(bytes, 3, (struct json_memory){arena, arena}, root, fault))
        return true;
    return fault->kind == FAULT_RECORD ? is_damaged(fault, folder, name, "damaged") : false;
}

static bool check_owner(const struct json *root, const struct folder *folder, const char *name,
                        const struct side_owner *owner, struct fault *fault)
{
    str connector = json_string(json_member(root, "connector"));
    str topic = json_string(json_member(root, "topic"));
    str cluster = json_string(json_member(root, "cluster"));
    if (!str_eq(topic, owner->topic))
        return fault_set(fault, FAULT_CONFIG,
                         "%s/%s is of topic %.*s, and not of %.*s: say another file.path",
                         folder->path, name, STR_ARG(topic), STR_ARG(owner->topic));
    if (!str_eq(connector, owner->connector))
        return fault_set(fault, FAULT_CONFIG,
                         "%s/%s belongs to the connector %.*s: give %.*s a file.path of its own",
                         folder->path, name, STR_ARG(connector), STR_ARG(owner->connector));
    if (cluster.len > 0 && owner->cluster.len > 0 && !str_eq(cluster, owner->cluster))
        return fault_set(fault, FAULT_CONFIG,
                         "%s/%s holds a position in another Kafka cluster (%.*s, this is %.*s): "
                         "begin anew with another file.path",
                         folder->path, name, STR_ARG(cluster), STR_ARG(owner->cluster));
    return true;
}

/* A number, or `none` where it is null or not there. */
static bool take_number(const struct json *root, const char *name, int64_t none, int64_t *number)
{
    const struct json *member = json_member(root, name);
    *number = none;
    return !member || member->kind == JSON_NULL || json_int64(member, number);
}

static bool take_list(const struct json *root, const char *name, struct arena *arena,
                      struct str_list *list)
{
    const struct json *member = json_member(root, name);
    *list = (struct str_list){NULL, 0};
    if (!member)
        return true;
    list->item = ARENA_NEW(arena, str, json_child_count(member) + 1);
    for (const struct json *child = member->child; list->item && child; child = child->next)
        list->item[list->count++] = json_string(child);
    return list->item != NULL;
}

/* Nothing that a damaged file names may lead out of the directory. */
static bool is_plain_name(str name)
{
    return name.len > 0 && name.len < FILE_NAME_SIZE && !memchr(name.ptr, '/', name.len)
           && !memchr(name.ptr, '\0', name.len) && name.ptr[0] != '.';
}

static bool are_plain_names(const struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_plain_name(list->item[i]))
            return false;
    return true;
}

static bool take_side(const struct json *root, struct side *side)
{
    int64_t form;
    str file = json_string(json_member(root, "file"));
    bool good = is_plain_name(file) && are_plain_names(&side->rolled) && side->rolled.count % 2 == 0
                && are_plain_names(&side->planned) && take_number(root, "length", -1, &side->length)
                && take_number(root, "start", -1, &side->start)
                && take_number(root, "first_time", TIME_UNKNOWN, &side->first_us)
                && take_number(root, "form", 0, &form) && take_number(root, "next", -1, &side->next)
                && take_number(root, "held", OFFSET_NONE, &side->held)
                && take_number(root, "record_time", TIME_UNKNOWN, &side->last_us)
                && take_number(root, "epoch", -1, &side->epoch);
    if (!good || side->length < 0 || side->start < 0 || side->next < 0 || side->epoch < 0)
        return false;
    side->form = (uint64_t)form;
    side->worker = json_string(json_member(root, "worker"));
    memcpy(side->file.text, file.ptr, file.len);
    side->file.text[file.len] = '\0';
    return true;
}

bool side_read(struct folder *folder, struct arena *arena, const char *name,
               const struct side_owner *owner, struct side *side, bool *found, struct fault *fault)
{
    struct json *root;
    int64_t partition;
    struct file_name file = name_with(name, ".side");
    *found = false;
    *side = (struct side){0};
    if (!read_document(folder, file.text, arena, &root, fault))
        return false;
    if (!root)
        return true;
    if (!take_list(root, "rolled", arena, &side->rolled)
        || !take_list(root, "planned", arena, &side->planned))
        return fault_memory(fault, "a side file");
    if (!check_owner(root, folder, file.text, owner, fault))
        return false;
    if (!take_side(root, side) || !take_number(root, "partition", -1, &partition)
        || partition != owner->partition)
        return is_damaged(fault, folder, file.text, "not a side file of this partition");
    *found = true;
    return true;
}

bool starts_read(struct folder *folder, struct arena *arena, const char *topic_file,
                 const struct side_owner *owner, struct starts *starts, bool *found,
                 struct fault *fault)
{
    struct json *root;
    struct file_name file = name_with(topic_file, ".start");
    *found = false;
    *starts = (struct starts){NULL, 0};
    if (!read_document(folder, file.text, arena, &root, fault))
        return false;
    if (!root)
        return true;
    if (!check_owner(root, folder, file.text, owner, fault))
        return false;
    const struct json *list = json_member(root, "start");
    starts->pair = arena_alloc(arena, (json_child_count(list) + 1) * sizeof(*starts->pair));
    if (!starts->pair)
        return fault_memory(fault, "a start file");
    for (const struct json *child = list ? list->child : NULL; child; child = child->next) {
        int64_t *pair = starts->pair[starts->count++];
        if (!str_to_int64(child->name, &pair[0]) || !json_int64(child, &pair[1]) || pair[1] < 0)
            return is_damaged(fault, folder, file.text, "damaged");
    }
    *found = true;
    return true;
}

/* ---- writing ---- */

/* What stands in every file: whose it is. */
static void put_owner(struct buf *out, const struct side_owner *owner)
{
    buf_clear(out);
    buf_str(out, STR("{\"connector\":"));
    buf_json_string(out, owner->connector);
    buf_str(out, STR(",\"cluster\":"));
    buf_json_string(out, owner->cluster);
    buf_str(out, STR(",\"worker\":"));
    buf_json_string(out, owner->worker);
    buf_str(out, STR(",\"topic\":"));
    buf_json_string(out, owner->topic);
}

static void put_number(struct buf *out, const char *name, int64_t number, int64_t none)
{
    buf_format(out, ",\"%s\":", name);
    if (number == none)
        buf_str(out, STR("null"));
    else
        buf_int64(out, number);
}

static void put_list(struct buf *out, const char *name, const struct str_list *list)
{
    buf_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_char(out, ',');
        buf_json_string(out, list->item[i]);
    }
    buf_char(out, ']');
}

/* Durable before it takes the place of what stands there: a name must never lead to less than all
   of the content. */
static bool stage(struct folder *folder, struct buf *bytes, struct file_name file,
                  struct fault *fault)
{
    if (bytes->failed)
        return fault_memory(fault, "a side file");
    int opened = folder->type->open(folder, file.text, OPEN_ANEW);
    if (opened < 0)
        return folder_fault(fault, folder, "make", file.text);
    bool good = folder_write(folder, opened, file.text, buf_view(bytes), 0, fault)
                && (folder->type->sync(folder, opened) == 0
                    || folder_sync_fault(fault, folder, file.text));
    folder->type->close(folder, opened);
    return good;
}

static bool publish(struct folder *folder, struct file_name fresh, struct file_name file,
                    struct fault *fault)
{
    return folder->type->rename(folder, fresh.text, file.text) == 0
           || folder_fault(fault, folder, "replace", file.text);
}

bool side_stage(struct folder *folder, struct buf *scratch, const char *name,
                const struct side_owner *owner, const struct side *side, struct fault *fault)
{
    put_owner(scratch, owner);
    put_number(scratch, "partition", owner->partition, -1);
    buf_str(scratch, STR(",\"file\":"));
    buf_json_string(scratch, str_from(side->file.text));
    put_number(scratch, "length", side->length, -1);
    put_number(scratch, "next", side->next, OFFSET_NONE);
    put_number(scratch, "held", side->held, OFFSET_NONE);
    put_number(scratch, "record_time", side->last_us, TIME_UNKNOWN);
    put_number(scratch, "epoch", side->epoch, -1);
    put_number(scratch, "start", side->start, OFFSET_NONE);
    put_number(scratch, "first_time", side->first_us, TIME_UNKNOWN);
    put_number(scratch, "form", (int64_t)side->form, 0);
    put_list(scratch, "rolled", &side->rolled);
    put_list(scratch, "planned", &side->planned);
    buf_str(scratch, STR("}\n"));
    return stage(folder, scratch, name_with(name, ".side.new"), fault);
}

bool side_publish(struct folder *folder, const char *name, struct fault *fault)
{
    return publish(folder, name_with(name, ".side.new"), name_with(name, ".side"), fault);
}

bool starts_stage(struct folder *folder, struct buf *scratch, const char *topic_file,
                  const struct side_owner *owner, const struct starts *starts, struct fault *fault)
{
    put_owner(scratch, owner);
    buf_str(scratch, STR(",\"start\":{"));
    for (size_t i = 0; i < starts->count; i++)
        buf_format(scratch, "%s\"%lld\":%lld", i ? "," : "", (long long)starts->pair[i][0],
                   (long long)starts->pair[i][1]);
    buf_str(scratch, STR("}}\n"));
    return stage(folder, scratch, name_with(topic_file, ".start.new"), fault);
}

bool starts_publish(struct folder *folder, const char *topic_file, struct fault *fault)
{
    return publish(folder, name_with(topic_file, ".start.new"), name_with(topic_file, ".start"),
                   fault);
}
