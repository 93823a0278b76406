/*
 * The main of a target that is built without libFuzzer: runs it over every file it is given, and
 * over every file of a directory. This is how CTest replays corpus and regressions.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define INPUT_LIMIT ((size_t)64 * 1024 * 1024)
#define PATH_LIMIT 4096

static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about) != 0 || (size_t)about.st_size > INPUT_LIMIT) {
        fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
        if (file)
            fclose(file);
        return false;
    }
    size_t size = (size_t)about.st_size;
    /* Exactly as long as the file, so that AddressSanitizer sees every byte read behind it. */
    uint8_t *data = malloc(size ? size : 1);
    CHECK(data);
    bool whole = fread(data, 1, size, file) == size;
    fclose(file);
    /* Named before it is run: after a crash this is the last line. */
    fprintf(stderr, "%s\n", path);
    if (whole)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return whole;
}

static bool run_directory(const char *path, size_t *count)
{
    struct dirent **entry;
    int found = scandir(path, &entry, NULL, alphasort);
    bool good = found >= 0;
    for (int i = 0; i < found; i++) {
        char name[PATH_LIMIT];
        snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') {
            good = run_file(name) && good;
            ++*count;
        }
        free(entry[i]);
    }
    if (found >= 0)
        free(entry);
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    bool good = true;
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) != 0) {
            fprintf(stderr, "%s: no such file or directory, left out\n", argv[i]);
        } else if (S_ISDIR(about.st_mode)) {
            good = run_directory(argv[i], &count) && good;
        } else {
            good = run_file(argv[i]) && good;
            count++;
        }
    }
    fprintf(stderr, "%zu inputs\n", count);
    /* A replay of nothing is a mistake of whoever set it up. */
    return good && count > 0 ? 0 : 1;
}
