/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets Debian's user-mode-linux (6.1) run on processors with AMX; scripts/uml preloads it.
 *
 * That kernel keeps 2696 bytes of extended processor state a process, which is all there was before AMX, and hands
 * them back with PTRACE_SETREGSET. A host whose state is larger (11008 bytes) takes the whole or nothing: EFAULT, and
 * the guest's init dies of it. Here such a call is made again with a buffer of the size the host wants. What is beyond
 * the caller's bytes is in its initial state: a guest process cannot use the tiles, for it would have to ask its
 * kernel first, and that one knows none.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define XSTATE_MAX 32768
#define XSTATE_BV 512  /* where the header has its bitmap of components that are not initial */
#define TILES (3ULL << 17)

typedef long (*ptrace_fn)(enum __ptrace_request, pid_t, void *, void *);

static long set_whole(ptrace_fn real, pid_t pid, const struct iovec *part)
{
	static char whole[XSTATE_MAX] __attribute__((aligned(64)));
	struct iovec iov = { whole, sizeof(whole) };
	uint64_t bitmap;

	if (real(PTRACE_GETREGSET, pid, (void *)(uintptr_t)NT_X86_XSTATE, &iov) < 0)
		return -1;
	if (iov.iov_len <= part->iov_len || part->iov_len < XSTATE_BV + sizeof(bitmap)) {
		errno = EFAULT;
		return -1;
	}
	memset(whole + part->iov_len, 0, iov.iov_len - part->iov_len);
	memcpy(whole, part->iov_base, part->iov_len);
	memcpy(&bitmap, whole + XSTATE_BV, sizeof(bitmap));
	bitmap &= ~TILES;
	memcpy(whole + XSTATE_BV, &bitmap, sizeof(bitmap));
	return real(PTRACE_SETREGSET, pid, (void *)(uintptr_t)NT_X86_XSTATE, &iov);
}

/* As ptrace(2). The kernel that is run here has one thread that traces, so a static buffer will do. */
long ptrace(enum __ptrace_request request, ...)
{
	static ptrace_fn real;
	void *address, *data;
	va_list arguments;
	long result;
	pid_t pid;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);
	if (!real)
		real = (ptrace_fn)(uintptr_t)dlsym(RTLD_NEXT, "ptrace");
	result = real(request, pid, address, data);
	if (result < 0 && errno == EFAULT && request == PTRACE_SETREGSET && address == (void *)(uintptr_t)NT_X86_XSTATE)
		return set_whole(real, pid, data);
	return result;
}
