/*
 * A directory of the system: what the sink relies on there, and what errors mean.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "csv_kit.h"

static char path[] = "/tmp/fieldtrail-folder-XXXXXX";
static char inside[200];

static const char *in_folder(const char *name)
{
    snprintf(inside, sizeof(inside), "%s/%s", path, name);
    return inside;
}

static int remove_all(void)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf %s", path);
    return system(command);
}

static int make_folder(void **state)
{
    (void)state;
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    return mkdtemp(path) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return remove_all();
}

static struct folder *enter(void)
{
    struct fault fault;
    struct folder *folder = folder_new(str_from(path), &fault);
    assert_int_equal(folder->type->enter(folder), 0);
    return folder;
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void test_files(void **state)
{
    (void)state;
    struct folder *folder = enter();
    const struct folder_type *type = folder->type;
    struct file_state one, other;
    struct fault fault;
    char text[10];
    assert_int_equal(type->open(folder, "a", OPEN_WRITE), -1);
    assert_int_equal(errno, ENOENT);
    int file = type->open(folder, "a", OPEN_ANEW);
    check_good("write", folder_write(folder, file, "a", STR("12345"), 0, &fault), &fault);
    check_good("write", folder_write(folder, file, "a", STR("67"), 5, &fault), &fault);
    assert_int_equal(type->cut(folder, file, 6), 0);
    assert_int_equal(type->sync(folder, file), 0);
    assert_int_equal(type->sync_names(folder), 0);
    assert_true(type->look(folder, file, &one) == 0 && type->find(folder, "a", &other) == 0);
    assert_true(one.inode == other.inode && one.device == other.device && one.regular);
    check_number("size", one.size, 6);
    type->close(folder, file);
    assert_int_equal(type->rename(folder, "a", "b"), 0);
    assert_int_equal(type->find(folder, "a", &other), -1);
    file = type->open(folder, "b", OPEN_READ);
    assert_int_equal(type->read(folder, file, text, sizeof(text), 2), 4);
    assert_memory_equal(text, "3456", 4);
    type->close(folder, file);
    type->close(folder, type->open(folder, "b", OPEN_LOCK)); /* leaves the content alone */
    assert_int_equal(type->find(folder, "b", &other), 0);
    check_number("size", other.size, 6);
    assert_int_equal(type->remove(folder, "b"), 0);
    assert_int_equal(type->remove(folder, "b"), -1);
    assert_true(type->kind(folder) != FOLDER_SHARED); /* /tmp may lie in memory */
    assert_true(type->is_writable(folder));
    type->leave(folder);
}

/* A link that somebody planted in a directory others may write to leads nowhere. */
static void test_links_are_not_followed(void **state)
{
    (void)state;
    struct folder *folder = enter();
    write_file("victim", "precious");
    char victim[200];
    snprintf(victim, sizeof(victim), "%s", in_folder("victim"));
    assert_int_equal(symlink(victim, in_folder("t-0.csv")), 0);
    assert_int_equal(folder->type->open(folder, "t-0.csv", OPEN_ANEW), -1);
    assert_int_equal(errno, ELOOP);
    struct file_state state_of;
    assert_int_equal(folder->type->find(folder, "t-0.csv", &state_of), 0);
    assert_false(state_of.regular);
    struct stat kept;
    assert_int_equal(stat(victim, &kept), 0);
    check_number("the victim", kept.st_size, 8);
    folder->type->leave(folder);
}

/* Two tasks of one process keep each other out, and whoever dies lets go. */
static void test_locks(void **state)
{
    (void)state;
    struct folder *folder = enter();
    const struct folder_type *type = folder->type;
    int one = type->open(folder, "l", OPEN_LOCK), two = type->open(folder, "l", OPEN_LOCK);
    assert_int_equal(type->lock(folder, one), 0);
    assert_int_equal(type->lock(folder, two), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    type->close(folder, one);
    assert_int_equal(type->lock(folder, two), 0);
    type->close(folder, two);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int mine = type->open(folder, "l", OPEN_LOCK);
        char answer = type->lock(folder, mine) == 0 ? 'y' : 'n';
        if (write(ready[1], &answer, 1) == 1)
            pause();
        _exit(1);
    }
    char answer;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    one = type->open(folder, "l", OPEN_LOCK);
    assert_int_equal(type->lock(folder, one), -1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(type->lock(folder, one), 0);
    type->close(folder, one);
    close(ready[0]);
    close(ready[1]);
    type->leave(folder);
}

/* Another directory at the path, a mount or a move, is seen at the next call. */
static void test_replaced_directory(void **state)
{
    (void)state;
    struct folder *folder = enter();
    char moved[200];
    write_file("old", "");
    snprintf(moved, sizeof(moved), "%s.moved", path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(folder->type->enter(folder), -1);
    struct fault fault;
    check_fault("missing", folder_fault(&fault, folder, "open", NULL), &fault, FAULT_CONFIG,
                "make the directory");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(folder->type->enter(folder), 0);
    struct file_state found;
    assert_int_equal(folder->type->find(folder, "old", &found), -1);
    folder->type->leave(folder);
    assert_int_equal(remove_all(), 0);
    assert_int_equal(rename(moved, path), 0);
}

static void check_kind(int code, enum fault_kind kind, const char *part)
{
    struct folder *folder = enter();
    struct fault fault;
    errno = code;
    check_fault(part, folder_fault(&fault, folder, "write", "x"), &fault, kind, part);
    check_number("code", fault.code, code);
    folder->type->leave(folder);
}

static void test_errors(void **state)
{
    (void)state;
    check_kind(ENOSPC, FAULT_RETRY, "/x: No space left on device");
    check_kind(EDQUOT, FAULT_RETRY, "quota");
    check_kind(EIO, FAULT_RETRY, "Input/output error");
    check_kind(EACCES, FAULT_CONFIG, "give this user the right");
    check_kind(EROFS, FAULT_CONFIG, "mount it for writing");
    check_kind(EMFILE, FAULT_CONFIG, "ulimit -n");
}

/* A file may grow so far and no further: an error and not a half-written row that holds. */
static void test_no_room(void **state)
{
    (void)state;
    struct kit kit;
    struct rlimit kept, small = {500, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    kit_start(&kit, NULL, "file.path=x");
    kit.disk = path;
    assert_true(kit_open(&kit) && kit_claim(&kit));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool good = kit_feed(&kit, 7);
    check_fault("full", good, &kit.fault, FAULT_RETRY, "t-0.csv: File too large");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    check_good("claim", kit_claim(&kit), &kit.fault);
    check_good("feed", kit_feed(&kit, 7), &kit.fault);
    for (size_t i = 0; i < KIT_LANES; i++)
        check_number("all", kit.flushed[i], KIT_HIGH);
    kit_stop(&kit);
}

/* The directory in memory, on which the machine is stopped, gives what the real one gives. */
static void test_as_in_memory(void **state)
{
    (void)state;
    static const char options[] = "file.path=x;file.roll.bytes=200;file.compression=gzip";
    static struct memory_folder memory;
    struct kit real, model;
    memory_clear(&memory);
    kit_start(&model, &memory, options);
    kit_run(&model, 9);
    kit_start(&real, NULL, options);
    real.disk = path;
    kit_run(&real, 9);
    size_t files = 0;
    struct temp_file {
        char text[NODE_SIZE];
    } *got = malloc(sizeof(*got));
    for (int i = 0; i < NODES; i++) {
        const char *name = memory.now[i].text;
        if (!name[0])
            continue;
        FILE *file = fopen(in_folder(name), "r");
        if (!file)
            fail_msg("there is no %s", name);
        size_t len = fread(got->text, 1, sizeof(got->text), file);
        fclose(file);
        check_str(name, (str){got->text, len}, memory_content(&memory, name));
        files++;
    }
    assert_true(files > 8);
    free(got);
    kit_stop(&real);
    kit_stop(&model);
    memory_free(&memory);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_files),        IN_FOLDER(test_links_are_not_followed),
        IN_FOLDER(test_locks),        IN_FOLDER(test_replaced_directory),
        IN_FOLDER(test_errors),       IN_FOLDER(test_no_room),
        IN_FOLDER(test_as_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
