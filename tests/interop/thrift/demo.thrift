// What the Thrift programs of the interop cases speak.

struct Order {
  1: string id
  2: i32 quantity
  3: i64 cents
  4: double weight
  5: bool urgent
  6: binary seal
  7: list<string> tags
}

exception Refused {
  1: string why
}

service Demo {
  string sayHello(1: string name)
  binary echoBytes(1: binary bytes)
  i64 add(1: i32 left, 2: i64 right)
  Order reprice(1: Order order, 2: i64 cents)
  void refuse(1: string why) throws (1: Refused refused)
  oneway void fire(1: string event)
}
