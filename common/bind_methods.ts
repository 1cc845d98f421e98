/**
 * Binds all methods of an object: `const { publish, close } = ws` then works. Each method becomes a
 * property of the object, so do not bind an object that exists once per connection.
 */
export function bindMethods(object: object): void {
  let prototype = Object.getPrototypeOf(object);
  for (; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype)) {
    for (const name of Reflect.ownKeys(prototype)) {
      const { value } = Reflect.getOwnPropertyDescriptor(prototype, name)!;
      const isMethod = typeof value === "function" && name !== "constructor";
      if (!isMethod || Object.hasOwn(object, name)) continue;
      const bound = value.bind(object);
      Object.defineProperty(object, name, { value: bound, configurable: true, writable: true });
    }
  }
}
