/* asan_fork.c - lets a program with ASan fork while its other threads allocate.
 *
 * libvirt forks in a process whose other threads, its own and ours, are at work. glibc
 * holds its allocator's locks over a fork(), so that the child finds them free; ASan's
 * allocator, which takes its place, does so from GCC 14 (LLVM 17) on only. Before that a
 * fork() in the wrong moment leaves the child a lock that nobody will ever release, and
 * its first malloc() waits for ever. Here the same locks are taken in the same order as
 * there (compiler-rt, lib/asan/asan_posix.cpp, InstallAtForkHandler). They are not for
 * others' use: the runtime must be linked statically, and is named here as it is mangled.
 */
#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14

#define RUNTIME(function, symbol) \
	extern void function(void) __asm__(symbol) __attribute__((weak))

RUNTIME(lock_threads, "_ZN6__lsan18LockThreadRegistryEv");
RUNTIME(unlock_threads, "_ZN6__lsan20UnlockThreadRegistryEv");
RUNTIME(lock_allocator, "_ZN6__lsan13LockAllocatorEv");
RUNTIME(unlock_allocator, "_ZN6__lsan15UnlockAllocatorEv");
RUNTIME(lock_stacks, "_ZN11__sanitizer17StackDepotLockAllEv");
RUNTIME(unlock_stacks, "_ZN11__sanitizer19StackDepotUnlockAllEv");

static void before_fork(void)
{
	lock_threads();
	lock_allocator();
	lock_stacks();
}

static void after_fork(void)
{
	unlock_stacks();
	unlock_allocator();
	unlock_threads();
}

/* Early, so that it is the last handler before a fork and the first after it: others may
 * allocate. A runtime that has no such functions is left alone. */
__attribute__((constructor(101))) static void install(void)
{
	if (lock_threads && unlock_threads && lock_allocator && unlock_allocator &&
	    lock_stacks && unlock_stacks)
		(void)pthread_atfork(before_fork, after_fork, after_fork);
}

#endif
