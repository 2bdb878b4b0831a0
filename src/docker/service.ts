/** Variables of a dockerd's environment; `undefined`: not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How this host runs dockerd, and how it is stopped and started that way. */
export interface DockerService {
  readonly kind: 'systemd' | 'sysvinit' | 'process';
  /** In words: `systemd unit docker.service`, `process 1234`. */
  readonly label: string;
  /** Command line it runs with now, or (not running) last ran with as far as known. */
  readonly argv: readonly string[];
  /** Whether start() can be told other flags: units get theirs from files only. */
  readonly ownArgv: boolean;
  isRunning(): Promise<boolean>;
  /** Resolves when the process and its pid file are gone; nothing running is fine. Rejects when it does not end. */
  stop(): Promise<void>;
  /**
   * Starts it; rejects when it ends at once. `argv` counts only where ownArgv, as does `environment`: variables to set, or with
   * `undefined` to take away.
   */
  start(argv: readonly string[], environment?: Environment): Promise<StartedDocker>;
  /** Lets go of what was kept of the former process; dockerd stays as it is. */
  close(): void;
}

/** A dockerd that was started, not yet known to serve. */
export interface StartedDocker {
  /** Why it will never serve (it has ended, with the last lines of its log); `undefined` while it may. */
  failed(): Promise<string | undefined>;
}
