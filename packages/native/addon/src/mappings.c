// Files mapped as ArrayBuffers, and their safety when a file shrinks.
//
// An access past the end of a mapped file raises SIGBUS, which would end the process. Whoever maps a file that it was
// sent cannot prevent its sender from truncating it, so the first mapping installs a handler: it puts a page of zeros in
// the place of the one that is gone, and counts the fault for the owner of the mapping to find. A SIGBUS anywhere else
// goes where it went before.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "native.h"

#define MAX_MAPPINGS 131072
#define MAX_LENGTH (4ull << 30)

// The handler reads this table while others write it: `start` is set last and cleared first.
struct slot {
  _Atomic uintptr_t start;
  _Atomic size_t length;
  _Atomic uint32_t faults;
};

struct mapping {
  uint32_t slot;
  void *address;
  size_t length;
  // Copies under way that use it; only its own thread counts.
  uint32_t held;
};

static struct slot slots[MAX_MAPPINGS];
static _Atomic uint32_t slots_used;
static _Atomic uint32_t faults_of_all;
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static struct sigaction previous_action;
static size_t page_size;

static struct slot *find_slot(uintptr_t address) {
  uint32_t used = atomic_load_explicit(&slots_used, memory_order_acquire);
  for (uint32_t i = 0; i < used; i++) {
    uintptr_t start = atomic_load_explicit(&slots[i].start, memory_order_acquire);
    if (start == 0 || address < start) continue;
    if (address - start < atomic_load_explicit(&slots[i].length, memory_order_relaxed)) return &slots[i];
  }
  return NULL;
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
  int error = errno;
  uintptr_t address = (uintptr_t)info->si_addr;
  struct slot *slot = info->si_code == BUS_ADRERR ? find_slot(address) : NULL;
  if (slot != NULL) {
    void *page = (void *)(address & ~(uintptr_t)(page_size - 1));
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap(page, page_size, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED) {
      atomic_fetch_add(&slot->faults, 1);
      atomic_fetch_add(&faults_of_all, 1);
      errno = error;
      return;
    }
  }
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(number, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(number);
  } else {
    // The access is repeated on return, and then ends the process as it would have without us.
    signal(SIGBUS, SIG_DFL);
  }
  errno = error;
}

static void install_handler(void) {
  page_size = (size_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous_action);
}

static bool take_slot(void *address, size_t length, uint32_t *taken) {
  pthread_mutex_lock(&slots_lock);
  uint32_t used = atomic_load(&slots_used), index = 0;
  while (index < used && atomic_load(&slots[index].start) != 0) index++;
  bool found = index < MAX_MAPPINGS;
  if (found) {
    atomic_store(&slots[index].faults, 0);
    atomic_store(&slots[index].length, length);
    atomic_store_explicit(&slots[index].start, (uintptr_t)address, memory_order_release);
    if (index == used) atomic_store_explicit(&slots_used, used + 1, memory_order_release);
  }
  pthread_mutex_unlock(&slots_lock);
  *taken = index;
  return found;
}

// Only the thread that made a mapping unmaps it, so `address` needs no lock.
static void unmap(struct mapping *mapping) {
  if (mapping->address == NULL) return;
  // First the slot: another thread may be given the same addresses as soon as they are free.
  atomic_store_explicit(&slots[mapping->slot].start, 0, memory_order_release);
  munmap(mapping->address, mapping->length);
  mapping->address = NULL;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  unmap(hint);
  free(hint);
}

// Tells our ArrayBuffers from others, and leads to their mapping.
static const napi_type_tag mapping_tag = {0x6f5b1f6c0d3e4a52, 0x9f3a6d1e7c284b90};

static void on_wrapper_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

static napi_value mmap_(napi_env env, napi_callback_info info) {
  napi_value arguments[4], buffer;
  int fd;
  uint64_t offset, length;
  bool writable;
  if (!get_arguments(env, info, 4, arguments) || !get_descriptor(env, arguments[0], &fd) ||
      !get_size(env, arguments[1], &offset) || !get_size(env, arguments[2], &length) ||
      !get_boolean(env, arguments[3], &writable)) {
    return NULL;
  }
  if (length == 0 || length > MAX_LENGTH) return throw_range(env, "a mapping has 1 byte to 4 GiB");
  pthread_once(&handler_once, install_handler);

  // JavaScript can write to any ArrayBuffer; without write access a write stays in a private copy of its page.
  void *address =
      mmap(NULL, length, PROT_READ | PROT_WRITE, writable ? MAP_SHARED : MAP_PRIVATE, fd, (off_t)offset);
  if (address == MAP_FAILED) return throw_errno(env, errno, "mmap");
  struct mapping *mapping = malloc(sizeof *mapping);
  struct mapping **wrapper = malloc(sizeof *wrapper);
  uint32_t slot = 0;
  if (mapping == NULL || wrapper == NULL || !take_slot(address, length, &slot)) {
    munmap(address, length);
    free(mapping);
    free(wrapper);
    return throw_errno(env, ENOMEM, "mmap");
  }
  *mapping = (struct mapping){.slot = slot, .address = address, .length = length};
  *wrapper = mapping;
  if (napi_create_external_arraybuffer(env, address, length, on_collected, mapping, &buffer) != napi_ok) {
    unmap(mapping);
    free(mapping);
    free(wrapper);
    return throw_errno(env, ENOMEM, "mmap");
  }
  if (napi_type_tag_object(env, buffer, &mapping_tag) != napi_ok ||
      napi_wrap(env, buffer, wrapper, on_wrapper_collected, NULL, NULL) != napi_ok) {
    free(wrapper);
    return throw_errno(env, ENOMEM, "mmap");
  }
  return buffer;
}

// The mapping behind an ArrayBuffer that is still mapped; throws otherwise.
static struct mapping *get_mapping(napi_env env, napi_value buffer) {
  bool ours = false, detached = false;
  void *wrapper;
  if (napi_check_object_type_tag(env, buffer, &mapping_tag, &ours) != napi_ok || !ours ||
      napi_unwrap(env, buffer, &wrapper) != napi_ok) {
    throw_type(env, "not an ArrayBuffer of mmap");
    return NULL;
  }
  // The mapping lives as long as the memory behind the buffer, which a detached buffer has let go.
  if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) {
    throw_errno(env, EINVAL, "munmap");
    return NULL;
  }
  return *(struct mapping **)wrapper;
}

struct mapping *hold_mapping(napi_env env, napi_value buffer) {
  bool ours = false;
  void *wrapper;
  if (napi_check_object_type_tag(env, buffer, &mapping_tag, &ours) != napi_ok || !ours ||
      napi_unwrap(env, buffer, &wrapper) != napi_ok) {
    return NULL;
  }
  struct mapping *mapping = *(struct mapping **)wrapper;
  mapping->held++;
  return mapping;
}

void release_mapping(struct mapping *mapping) {
  if (mapping != NULL) mapping->held--;
}

static napi_value munmap_(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!get_arguments(env, info, 1, arguments)) return NULL;
  struct mapping *mapping = get_mapping(env, arguments[0]);
  if (mapping == NULL) return NULL;
  if (mapping->held > 0) return throw_errno(env, EBUSY, "munmap");
  struct mapping copy = *mapping;
  // Detaching may free the mapping at once; from here on only the copy is used.
  mapping->address = NULL;
  if (napi_detach_arraybuffer(env, arguments[0]) != napi_ok) {
    mapping->address = copy.address;
    return throw_errno(env, EBUSY, "munmap");
  }
  unmap(&copy);
  return make_undefined(env);
}

static napi_value mapping_faults(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!get_arguments(env, info, 1, arguments)) return NULL;
  struct mapping *mapping = get_mapping(env, arguments[0]);
  return mapping == NULL ? NULL : make_number(env, atomic_load(&slots[mapping->slot].faults));
}

// A view of the counter itself: to look at it takes no call.
static napi_value fault_counter(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value buffer, view;
  if (napi_create_external_arraybuffer(env, &faults_of_all, sizeof faults_of_all, NULL, NULL, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint32_array, 1, buffer, 0, &view) != napi_ok) {
    return throw_errno(env, ENOMEM, "faultCounter");
  }
  return view;
}

void register_mappings(napi_env env, napi_value exports) {
  register_function(env, exports, "mmap", mmap_);
  register_function(env, exports, "munmap", munmap_);
  register_function(env, exports, "mappingFaults", mapping_faults);
  register_function(env, exports, "faultCounter", fault_counter);
}
