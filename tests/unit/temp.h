/*
 * temp: files that a test makes and that are gone behind it.
 */
#ifndef FIELDTRAIL_TEMP_H
#define FIELDTRAIL_TEMP_H

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

#define TEMP_NAME "/tmp/fieldtrail-unit-XXXXXX"

struct temp {
    char name[sizeof(TEMP_NAME)];
};

HELPER void temp_make(struct temp *temp, str content)
{
    memcpy(temp->name, TEMP_NAME, sizeof(TEMP_NAME));
    int fd = mkstemp(temp->name);
    assert_true(fd >= 0);
    for (size_t done = 0; done < content.len;) {
        ssize_t got = write(fd, content.ptr + done, content.len - done);
        assert_true(got > 0);
        done += (size_t)got;
    }
    close(fd);
}

/* Appends the file's bytes. */
HELPER void temp_read(const struct temp *temp, struct buf *out)
{
    char block[65536];
    int fd = open(temp->name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (ssize_t got; (got = read(fd, block, sizeof(block))) > 0;)
        buf_str(out, (str){block, (size_t)got});
    close(fd);
}

HELPER void temp_remove(const struct temp *temp)
{
    unlink(temp->name);
}

#endif
