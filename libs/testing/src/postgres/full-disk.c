// A full disk, for specs: preloaded into PostgreSQL's processes. While the file named by TSUNAGU_FULL_DISK_SWITCH is there,
// no file below TSUNAGU_FULL_DISK grows: a write that would make it longer fails with ENOSPC, as where no block is free.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

static int lies_below(int file, const char *directory) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  // The server's log says why it ended: on a real disk that is found by statfs, which this library leaves alone.
  return strncmp(path, directory, strlen(directory)) == 0 && strstr(path, "/server.log") == NULL;
}

/** Whether writing up to `end` finds no space. Leaves errno alone. */
static int is_refused(int file, off_t end) {
  const char *directory = getenv("TSUNAGU_FULL_DISK");
  const char *is_full = getenv("TSUNAGU_FULL_DISK_SWITCH");
  int before = errno, refused = 0;
  struct stat now;
  if (directory && is_full && access(is_full, F_OK) == 0 && fstat(file, &now) == 0)
    refused = S_ISREG(now.st_mode) && end > now.st_size && lies_below(file, directory);
  errno = before;
  return refused;
}

static ssize_t no_space(void) {
  errno = ENOSPC;
  return -1;
}

ssize_t write(int file, const void *bytes, size_t count) {
  int before = errno;
  off_t at = lseek(file, 0, SEEK_CUR); // -1 for a pipe or a socket, which is never refused
  errno = before;
  return is_refused(file, at + (off_t)count) ? no_space() : REAL(write, file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  return is_refused(file, at + (off_t)count) ? no_space() : REAL(pwrite, file, bytes, count, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  off_t end = at;
  for (int part = 0; part < count; part++) end += (off_t)parts[part].iov_len;
  return is_refused(file, end) ? no_space() : REAL(pwritev, file, parts, count, at);
}

int posix_fallocate(int file, off_t at, off_t count) {
  return is_refused(file, at + count) ? ENOSPC : REAL(posix_fallocate, file, at, count);
}
