/** Style sheets are bundled by their import; there is nothing to hold. */
declare module '*.css';
