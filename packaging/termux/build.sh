# A recipe for termux-packages (its folder packages/tunion). There is no release archive with a hash yet,
# so it builds the tree that it lies in, or the one that TUNION_SOURCE names:
#
#   ln -s /path/to/tunion/packaging/termux packages/tunion && ./build-package.sh -I tunion
#
# Whoever publishes a release replaces termux_step_get_source by TERMUX_PKG_SRCURL and TERMUX_PKG_SHA256,
# the hash of the archive that `make dist` has made.
TERMUX_PKG_HOMEPAGE= # there is none yet
TERMUX_PKG_DESCRIPTION="Many WireGuard tunnels at once: one gate for all apps, without root"
TERMUX_PKG_LICENSE="MIT"
TERMUX_PKG_LICENSE_FILE="COPYING"
TERMUX_PKG_MAINTAINER="The tunion authors"
TERMUX_PKG_VERSION=0.1.0
TERMUX_PKG_SKIP_SRC_EXTRACT=true
TERMUX_PKG_DEPENDS="c-ares, libandroid-spawn, libinih, libjansson, libqrencode, libsodium"
TERMUX_PKG_SUGGESTS="termux-services, wireguard-tools"
TERMUX_PKG_SERVICE_SCRIPT=("tunion" 'exec tunion gate --foreground 2>&1')
TERMUX_PKG_EXTRA_CONFIGURE_ARGS="
--disable-tests
--runstatedir=$TERMUX_PREFIX/var/run
--with-systemdsystemunitdir=no
"

termux_step_get_source() {
	local source=${TUNION_SOURCE:-$(cd -P "$TERMUX_PKG_BUILDER_DIR/../.." && pwd)}

	[ -f "$source/configure.ac" ] ||
		termux_error_exit "$source is not tunion's source: set TUNION_SOURCE"
	rm -rf "$TERMUX_PKG_SRCDIR"
	mkdir -p "$TERMUX_PKG_SRCDIR"
	(cd "$source" && tar -c --exclude=./.git --exclude=./build --exclude='./build-[cfs]*' .) |
		tar -x -C "$TERMUX_PKG_SRCDIR"
}

termux_step_pre_configure() {
	autoreconf -fi
}

termux_step_post_make_install() {
	mkdir -p "$TERMUX_PREFIX/etc/tunion"
	chmod 700 "$TERMUX_PREFIX/etc/tunion"
}
