// A disk whose fsync takes 4 ms, for benches: preloaded into PostgreSQL's processes, the real call and then the wait.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static const struct timespec wait = {.tv_sec = 0, .tv_nsec = 4000000};

int fsync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int result = real(file);
  nanosleep(&wait, 0);
  return result;
}

int fdatasync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int result = real(file);
  nanosleep(&wait, 0);
  return result;
}
