package org.apache.dubbo.samples.basic.api;

import com.google.protobuf.StringValue;

/** The service of the Aeraki guide, with methods added for the argument kinds that the tests send. */
public interface DemoService {
  String sayHello(String name);

  byte[] echoBytes(byte[] bytes);

  long add(int left, long right);

  Order reprice(Order order, long cents);

  /** The serializations of protobuf carry messages alone. */
  StringValue greet(StringValue name);

  /** One-way: the consumer is configured to ask for no answer. */
  void fire(String event);
}
