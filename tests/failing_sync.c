/* For LD_PRELOAD: the FAIL_AT-th sync of a file fails as a broken disk's would; those after it succeed again.
   Folders are left alone: SQLite passes over failures there, and our own have a test of their own. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

int fdatasync(int fd) {
    static int calls = 0;
    const char *at = getenv("FAIL_AT");
    struct stat status;
    if (at == NULL || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || ++calls != atoi(at)) return 0;
    errno = EIO;
    return -1;
}

int fsync(int fd) { return fdatasync(fd); }
