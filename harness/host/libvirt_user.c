/* libvirt_user.c - answers libvirt's question for a user that this host does not
 * have. As root, the embedded driver looks its compiled-in user and group up
 * before it reads our qemu.conf, and fails where the package that would create
 * them (a daemon's, which kerngate does not need) is not installed. qemu.conf
 * then names the ids that guests really run under.
 *
 * The two functions stand in front of the C library's, for this program and the
 * libraries in it: the linker exports them because libvirt asks for them. Every
 * other name, and a host that has the user, gets the C library's answer.
 */
#include "libvirt_user.h"

#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define STOCK_NAME "libvirt-qemu"

typedef int (*user_lookup)(const char *, struct passwd *, char *, size_t,
			   struct passwd **);
typedef int (*group_lookup)(const char *, struct group *, char *, size_t,
			    struct group **);

int getpwnam_r(const char *name, struct passwd *user, char *buffer, size_t size,
	       struct passwd **ret_user)
{
	user_lookup lookup = (user_lookup)dlsym(RTLD_NEXT, "getpwnam_r");
	int code = lookup(name, user, buffer, size, ret_user);

	if (*ret_user || strcmp(name, STOCK_NAME) != 0)
		return code;
	return getpwuid_r(geteuid(), user, buffer, size, ret_user);
}

int getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
	       struct group **ret_group)
{
	group_lookup lookup = (group_lookup)dlsym(RTLD_NEXT, "getgrnam_r");
	int code = lookup(name, group, buffer, size, ret_group);

	if (*ret_group || strcmp(name, STOCK_NAME) != 0)
		return code;
	return getgrgid_r(getegid(), group, buffer, size, ret_group);
}

void libvirt_user_link(void)
{
}
