package org.apache.dubbo.samples.basic.api;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A plain object with the field kinds that Hessian2 writes in different ways. */
public class Order implements Serializable {
  private static final long serialVersionUID = 1L;

  private String id;
  private int quantity;
  private long cents;
  private ArrayList<String> tags = new ArrayList<>();
  private TreeMap<String, String> notes = new TreeMap<>();

  public String getId() {
    return id;
  }

  public void setId(String id) {
    this.id = id;
  }

  public int getQuantity() {
    return quantity;
  }

  public void setQuantity(int quantity) {
    this.quantity = quantity;
  }

  public long getCents() {
    return cents;
  }

  public void setCents(long cents) {
    this.cents = cents;
  }

  public List<String> getTags() {
    return tags;
  }

  public void setTags(List<String> tags) {
    this.tags = new ArrayList<>(tags);
  }

  public Map<String, String> getNotes() {
    return notes;
  }

  public void setNotes(Map<String, String> notes) {
    this.notes = new TreeMap<>(notes);
  }

  /** The same text for equal orders, whichever Dubbo carried them: digests and result files are made of it. */
  @Override
  public String toString() {
    return "Order{" + id + "," + quantity + "," + cents + "," + tags + "," + notes + "}";
  }
}
