/**
 * Makes a fresh clone runnable. Plain JavaScript: it runs on whatever Node is
 * installed (18 and newer) before the exact runtime is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the workspace. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const runtime = join(root, 'node_modules', 'node', 'bin', 'node');

function say(text) {
  process.stderr.write(`fairlead: ${text}\n`);
}

/**
 * Whether the packages are those of the lock file, whoever installed them: npm notes at the end of an installation
 * what it has installed. Packages for other platforms are optional, and not there.
 */
function isInstalled() {
  try {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const found = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    const isThere = ([path, { version, optional }]) =>
      !path.startsWith('node_modules/') || found[path]?.version === version || (optional && found[path] === undefined);
    return existsSync(runtime) && Object.entries(packages).every(isThere);
  } catch {
    return false;
  }
}

/** Installs the locked npm packages where others are installed, or none. */
function ensurePackages() {
  if (isInstalled()) return;
  say('installing npm packages, with the Node.js runtime itself (node_modules/)');
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const done = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 'inherit'],
  });
  if (done.status !== 0) {
    say('npm ci failed; its messages are above');
    process.exit(1);
  }
  const check = spawnSync(runtime, ['-p', 'process.version'], { encoding: 'utf8' });
  if (check.status !== 0) {
    say(`the npm package "node" has no runtime for ${process.platform}-${process.arch}`);
    process.exit(1);
  }
}

/** Whether a program is on PATH or in the system folders that a PATH may leave out. */
export function hasProgram(name) {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;
  return path.split(':').some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

const systemPackages = [
  { program: 'nft', package: 'nftables' },
  { program: 'ip', package: 'iproute2' },
];

/** As root on Debian or Ubuntu, installs missing system packages. Goes on without them. */
function ensureSystemPackages() {
  if (process.platform !== 'linux') return;
  const missing = systemPackages.filter((p) => !hasProgram(p.program)).map((p) => p.package);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) return;
  if (!existsSync('/etc/debian_version') || !hasProgram('apt-get')) {
    say(`missing: ${missing.join(', ')}. Without them Fairlead runs in userspace mode.`);
    return;
  }
  say(`installing missing system packages: ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
  let done = install();
  if (done.status !== 0) {
    spawnSync('apt-get', ['update', '-q'], { env, stdio: 'ignore' });
    done = install();
  }
  if (done.status !== 0) {
    say(`could not install ${missing.join(', ')}: ${done.stderr.trim().split('\n').at(-1)}`);
    say('going on in userspace mode');
  }
}

/** Bundles the program anew where its sources have changed since; without it everything runs, and starts slower. */
function ensureBundle() {
  const arguments_ = [join(root, 'scripts', 'build.mjs'), '--if-possible'];
  spawnSync(runtime, arguments_, { cwd: root, stdio: ['ignore', 2, 'inherit'] });
}

/** Installs and builds what is missing. */
export function prepare() {
  ensurePackages();
  ensureSystemPackages();
  ensureBundle();
}

/** Environment for our own processes: system folders on PATH, one shared compile cache. */
export function runtimeEnvironment() {
  const path = process.env.PATH ?? '';
  const extra = ['/usr/sbin', '/sbin'].filter((folder) => !path.split(':').includes(folder));
  return {
    ...process.env,
    PATH: [join(root, 'node_modules', '.bin'), ...path.split(':'), ...extra].join(':'),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compile'),
  };
}

/** Runs the exact runtime with these arguments; passes signals on and resolves to its exit status. */
export function runNode(args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(runtime, args, {
      cwd: options.cwd ?? root,
      stdio: 'inherit',
      env: { ...runtimeEnvironment(), ...options.env },
    });
    // Ctrl-C reaches the child by itself, through the terminal's process group.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      say(`cannot run ${runtime}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
