/** Version of the program; the package's. */
export const version: string = '0.1.0';
