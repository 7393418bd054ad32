/* SPDX-License-Identifier: MIT */
/*
 * loads_plugin.c - calls into a plugin and unloads it again. With "deepbind" the plugin finds libc
 * before any preloaded library. loads_plugin PLUGIN [deepbind]
 */
#include <dlfcn.h>
#include "target.h"

int main(int argc, char **argv)
{
	void *plugin = dlopen(argv[1], RTLD_NOW | (argc > 2 ? RTLD_DEEPBIND : 0));
	int (*open_one)(void) = plugin ? (int (*)(void))dlsym(plugin, "plugin_open") : NULL;

	if (!open_one)
		target_die("plugin");
	for (int i = 0; i < 5; i++)
		printf("%d\n", open_one());
	dlclose(plugin);
	return target_ready();
}
