/*
 * A stand-in for NVIDIA's NVML (`libnvidia-ml.so.1`), for tests. Its GPUs replay power curves and count
 * their energy as real boards do: in steps. Built by the tests that need it.
 *
 * NVML_STUB_CURVES     files, colon-separated, a GPU each; lines "t_ms,watts", a value holds until the next
 * NVML_STUB_ZERO_MS    the curves' zero on CLOCK_MONOTONIC
 * NVML_STUB_TICK_MS    time between two steps of the energy counter; 100 when absent
 * NVML_STUB_RESET_MS   when, on the curves' clock, the counters begin again
 * NVML_STUB_LOST_MS    when the last GPU falls off the bus
 * NVML_STUB_HANG_MS    when calls for field values stop coming back
 * NVML_STUB_NO_ENERGY  energy and instant power are not supported
 * NVML_STUB_MODULE     the GPUs sit on modules that draw 200 W more
 *
 * Compiled with -DOLD_DRIVER it lacks the functions that drivers of 2017 lacked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, LOST = 15 };
#define MAX_GPUS 16
#define BOOT_MJ 5000000000000ull /* what the counter already held */

typedef struct { double *ms, *watts, *joules; int points; } Curve;
static Curve curves[MAX_GPUS];
static int gpus;

static double option(const char *name, double otherwise) {
  const char *text = getenv(name);
  return text && *text ? atof(text) : otherwise;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6 - option("NVML_STUB_ZERO_MS", 0);
}

static int passed(const char *name) {
  const char *text = getenv(name);
  return text && *text && now() >= atof(text);
}

static void read_curve(const char *path) {
  Curve *c = &curves[gpus];
  FILE *file = fopen(path, "r");
  char line[256];
  int room = 0;
  if (!file || gpus == MAX_GPUS) return;
  while (fgets(line, sizeof line, file)) {
    double ms, watts;
    if (sscanf(line, "%lf,%lf", &ms, &watts) != 2) continue;
    if (c->points == room) {
      room = room ? 2 * room : 1024;
      c->ms = realloc(c->ms, room * sizeof(double));
      c->watts = realloc(c->watts, room * sizeof(double));
      c->joules = realloc(c->joules, room * sizeof(double));
    }
    int i = c->points++;
    c->ms[i] = ms;
    c->watts[i] = watts;
    c->joules[i] = i ? c->joules[i - 1] + c->watts[i - 1] * (ms - c->ms[i - 1]) / 1e3 : 0;
  }
  fclose(file);
  if (c->points) gpus++;
}

/* The last point at or before; the first holds before it. */
static int point_at(const Curve *c, double ms) {
  int low = 0, high = c->points - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (c->ms[middle] <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

static const Curve *gpu_of(void *device) { return &curves[(intptr_t)device - 1]; }
static int is_lost(void *device) { return (intptr_t)device == gpus && passed("NVML_STUB_LOST_MS"); }

#ifndef OLD_DRIVER
static double joules_at(const Curve *c, double ms) {
  int i = point_at(c, ms);
  return c->joules[i] + c->watts[i] * (ms - c->ms[i]) / 1e3;
}

static uint64_t energy_mj(void *device) {
  double tick = option("NVML_STUB_TICK_MS", 100), reset = option("NVML_STUB_RESET_MS", 0);
  double ms = (double)(int64_t)(now() / tick) * tick;
  const Curve *c = gpu_of(device);
  if (passed("NVML_STUB_RESET_MS")) return (uint64_t)(1e3 * (joules_at(c, ms < reset ? reset : ms) - joules_at(c, reset)));
  return BOOT_MJ + (uint64_t)(1e3 * joules_at(c, ms));
}
#endif

static uint32_t power_mw(void *device) {
  const Curve *c = gpu_of(device);
  return (uint32_t)(1e3 * c->watts[point_at(c, now())]);
}

int nvmlInit_v2(void) {
  const char *text = getenv("NVML_STUB_CURVES");
  char *all = strdup(text ? text : ""), *rest = all;
  for (char *path; (path = strsep(&rest, ":"));) if (*path) read_curve(path);
  free(all);
  return text ? OK : DRIVER_NOT_LOADED;
}
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) {
  switch (code) {
    case NOT_SUPPORTED: return "Not Supported";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case LOST: return "GPU is lost";
    default: return "Unknown Error";
  }
}
int nvmlDeviceGetCount_v2(uint32_t *count) { *count = gpus; return OK; }
int nvmlDeviceGetHandleByIndex_v2(uint32_t index, void **device) {
  *device = (void *)(intptr_t)(index + 1);
  return OK;
}
typedef struct { char legacy[16]; uint32_t domain, bus, device, id, subsystem; char busId[32]; } PciInfo;
int nvmlDeviceGetPciInfo_v3(void *device, PciInfo *pci) {
  memset(pci, 0, sizeof *pci);
  snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", 0x1a + (int)(intptr_t)device);
  return OK;
}
int nvmlDeviceGetName(void *device, char *name, uint32_t length) {
  snprintf(name, length, "Stub GPU %d", (int)(intptr_t)device - 1);
  return OK;
}
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
  *major = 9;
  *minor = 0;
  return device ? OK : INVALID;
}
int nvmlDeviceGetPowerUsage(void *device, uint32_t *mw) {
  if (is_lost(device)) return LOST;
  *mw = power_mw(device);
  return OK;
}
int nvmlDeviceGetClockInfo(void *device, int type, uint32_t *mhz) {
  if (is_lost(device)) return LOST;
  *mhz = type == 1 ? 1980 : 2619;
  return OK;
}
int nvmlDeviceGetTemperature(void *device, int sensor, uint32_t *celsius) {
  *celsius = 61;
  return is_lost(device) ? LOST : sensor == 0 ? OK : INVALID;
}
int nvmlDeviceGetUtilizationRates(void *device, uint32_t *rates) {
  rates[0] = 97;
  rates[1] = 40;
  return is_lost(device) ? LOST : OK;
}
int nvmlDeviceGetCurrPcieLinkGeneration(void *device, uint32_t *generation) { *generation = 5; return device ? OK : INVALID; }
int nvmlDeviceGetCurrPcieLinkWidth(void *device, uint32_t *width) { *width = 16; return device ? OK : INVALID; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, uint64_t *reasons) {
  *reasons = 0x1 | 0x4 | 0x40;
  return device ? OK : INVALID;
}

#ifndef OLD_DRIVER
typedef struct { uint32_t version; uint64_t total, reserved, free, used; } MemoryV2;
int nvmlDeviceGetMemoryInfo_v2(void *device, MemoryV2 *memory) {
  if (memory->version != (sizeof *memory | 2u << 24)) return INVALID;
  memory->total = 80ull << 30;
  memory->reserved = 512ull << 20;
  memory->used = 70ull << 30;
  memory->free = memory->total - memory->reserved - memory->used;
  return is_lost(device) ? LOST : OK;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, uint64_t *mj) {
  if (is_lost(device)) return LOST;
  if (getenv("NVML_STUB_NO_ENERGY")) return NOT_SUPPORTED;
  *mj = energy_mj(device);
  return OK;
}

typedef struct {
  uint32_t id, scope;
  int64_t timestamp, latency;
  int32_t type, result;
  union { double d; uint32_t u32; uint64_t u64; } value;
} Field;

static int answer(void *device, Field *f) {
  int module = f->scope == 1, has_energy = !getenv("NVML_STUB_NO_ENERGY");
  uint64_t held_ns = (uint64_t)(1e6 * (now() > 0 ? now() : 0));
  if (module && !getenv("NVML_STUB_MODULE")) return NOT_SUPPORTED;
  f->type = 3;
  switch (f->id) {
    case 83: f->value.u64 = energy_mj(device); return has_energy ? OK : NOT_SUPPORTED;
    case 191: f->value.u64 = energy_mj(device) + (uint64_t)(now() * 200); return has_energy ? OK : NOT_SUPPORTED;
    case 186: f->type = 1; f->value.u32 = power_mw(device) + (module ? 200000 : 0); return has_energy ? OK : NOT_SUPPORTED;
    case 185: return NOT_SUPPORTED;
    case 82: f->type = 1; f->value.u32 = 72; return OK;
    case 74: f->value.u64 = held_ns / 4; return OK; /* a quarter of the time at the power cap */
    case 76: case 269: case 270: case 271: f->value.u64 = 0; return OK;
    default: return INVALID;
  }
}
int nvmlDeviceGetFieldValues(void *device, int count, Field *fields) {
  while (passed("NVML_STUB_HANG_MS")) sleep(1);
  if (is_lost(device)) return LOST;
  for (int i = 0; i < count; i++) fields[i].result = answer(device, &fields[i]);
  return OK;
}
#endif
