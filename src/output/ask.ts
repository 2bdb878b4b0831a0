/** Questions on a terminal. They go to stderr, so that stdout stays the result; Ctrl-C becomes the error ABORTED. */

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
}

/** How a command asks. Enter takes the default; `check` returns `undefined` or what is wrong with the answer. */
export interface Ask {
  /** One of the choices; the first is the default. */
  choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  text(
    message: string,
    fallback: string,
    check: (answer: string) => string | undefined | Promise<string | undefined>,
  ): Promise<string>;
  confirm(message: string, fallback: boolean): Promise<boolean>;
}

/** Whether somebody can be asked: stdin and stderr are terminals and CI is not set. */
export const canAsk = (): boolean =>
  process.stdin.isTTY === true && process.stderr.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb';

/** Opens the prompts (inquirer is loaded here, only when something is asked). */
export async function openAsk(): Promise<Ask> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  return {
    async choose<T>(message: string, choices: readonly Choice<T>[]) {
      const { index } = await prompt([
        {
          type: 'select',
          name: 'index',
          message,
          choices: choices.map((choice, at) => ({ name: choice.name, value: at })),
        },
      ]);
      return (choices[index] ?? choices[0]!).value;
    },
    async text(message, fallback, check) {
      const validate = async (answer: string) => (await check(answer.trim())) ?? true;
      const { answer } = await prompt([{ type: 'input', name: 'answer', message, default: fallback, validate }]);
      return answer.trim();
    },
    async confirm(message, fallback) {
      const { yes } = await prompt([{ type: 'confirm', name: 'yes', message, default: fallback }]);
      return yes;
    },
  };
}
