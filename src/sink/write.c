/*
 * Writing to descriptors.
 */
#include "write.h"

#include <errno.h>
#include <unistd.h>

#include <poll.h>

#include "clock.h"

/* Somebody else may have made the descriptor non-blocking. */
static bool passes(int fd, int error)
{
    if (error == EAGAIN)
        clock_wait(fd, POLLOUT, 500);
    return error == EINTR || error == EAGAIN;
}

bool write_whole(int fd, str bytes, const char *what, struct fault *fault)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t written = write(fd, bytes.ptr + done, bytes.len - done);
        int error = errno;
        if (written < 0 && passes(fd, error))
            continue;
        if (written < 0) {
            fault_set(fault, FAULT_FATAL, "cannot write %s: %s", what, strerror(error));
            fault->code = error;
            return false;
        }
        done += (size_t)written;
    }
    return true;
}
