export interface Choice<T> {
  readonly name: string;
  readonly value: T;
}

/** How a user is asked; src/output has it for a terminal. Enter takes the default; `check` returns `undefined` or what is wrong with the answer. */
export interface Questions {
  /** One of the choices; the first is the default. */
  choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  text(
    message: string,
    fallback: string,
    check: (answer: string) => string | undefined | Promise<string | undefined>,
  ): Promise<string>;
  confirm(message: string, fallback: boolean): Promise<boolean>;
}
